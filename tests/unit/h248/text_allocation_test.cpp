// Parsing takes memory in blocks: how often does not depend on how many tokens a message has. Not with AddressSanitizer, which has
// operators new and delete of its own and wants them in pairs.
#ifndef __SANITIZE_ADDRESS__

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include <catch2/catch.hpp>

#include <agw/h248/text.hpp>

namespace {

std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size) {
  ++allocations;
  if (void* const p = std::malloc(size != 0 ? size : 1)) return p;
  throw std::bad_alloc();
}

std::string message_of(int commands) {
  std::string out = "MEGACO/3 [10.0.0.1]:2944 Transaction=1{Context=1{";
  for (int i = 0; i < commands; ++i) {
    if (i > 0) out += ',';
    out += "Modify=ip/1/access/" + std::to_string(i) +
           "{Media{Stream=1{LocalControl{Mode=SendReceive,ipdc/realm=\"access\",ds/dscp=2E}}},"
           "Events=7{g/cause,hangterm/thb{timerx=3600},tcpbcc/BNCChange{Type=Est}},Signals{tcpbcc/EstBNC{Stream=1}}}";
  }
  return out + "}}";
}

std::size_t allocations_of(const std::string& text) {
  const auto before = allocations.load();
  const auto parsed = agw::h248::parse_view(text);
  const auto after = allocations.load();
  REQUIRE(parsed.ok());
  return after - before;
}

}  // namespace

// The tests' program as a whole; only the difference around a parse is looked at.
void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
// A sanitizer has these of its own, which would not go together with the deletes.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

TEST_CASE("parsing allocates by blocks, not by tokens") {
  const auto one = allocations_of(message_of(1));
  const auto ten = allocations_of(message_of(10));
  const auto many = allocations_of(message_of(150));  // more than 8000 tokens
  CAPTURE(one, ten, many);
  CHECK(one <= 3);
  CHECK(ten <= one + 8);
  CHECK(many <= one + 24);  // blocks grow with the message
}

#endif
