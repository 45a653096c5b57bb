#include "sctp/pacer.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::sctp;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{1h};

std::vector<std::byte> packet(std::size_t size, int mark = 0) { return std::vector<std::byte>(size, static_cast<std::byte>(mark)); }

// Lets what may leave do so, and says how many octets that were.
std::size_t drain(pacer& p, clock::time_point now, double rate) {
  std::size_t out = 0;
  while (!p.empty() && p.open(now)) {
    out += p.front().size();
    p.charge(p.front().size(), now, rate);
    p.pop();
  }
  return out;
}

}  // namespace

TEST_CASE("packets leave at the rate, in steps of a timer") {
  pacer p;
  constexpr double rate = 1e6;
  p.charge(1000, start, rate);  // the first need not wait
  for (int i = 0; i < 1000; ++i) p.push(packet(1000), false);
  CHECK(p.bytes() == 1'000'000);
  std::size_t most = 0, out = 0;
  auto now = start;
  for (; !p.empty(); now += 1ms) {
    const auto step = drain(p, now, rate);
    most = std::max(most, step);
    out += step;
  }
  CHECK(out == 1'000'000);
  CHECK(now - start > 980ms);
  CHECK(now - start < 1005ms);
  CHECK(most <= 12'000);  // what was not sent while nothing was there is not made up for
  CHECK(p.bytes() == 0);
  CHECK(p.next_deadline() == no_deadline);
}

TEST_CASE("a late timer is made up for, a pause is not") {
  pacer p;
  for (int i = 0; i < 100; ++i) p.push(packet(1000), false);
  drain(p, start, 1e6);
  CHECK(drain(p, start + 8ms, 1e6) >= 7000);
  CHECK(drain(p, start + 1s, 1e6) <= 20'000);
}

TEST_CASE("what is sent again goes first") {
  pacer p;
  p.push(packet(10, 1), false);
  p.push(packet(10, 2), true);
  p.push(packet(10, 3), true);
  CHECK(p.front_is_again());
  CHECK(p.front()[0] == std::byte{2});
  p.pop();
  CHECK(p.front()[0] == std::byte{3});
  p.pop();
  CHECK_FALSE(p.front_is_again());
  CHECK(p.front()[0] == std::byte{1});
}

TEST_CASE("without a rate everything may leave, and the deadline is the next packet's") {
  pacer p;
  p.push(packet(1000), false);
  CHECK(drain(p, start, 0) == 1000);
  p.push(packet(1000), false);
  p.push(packet(1000), false);
  p.charge(40'000, start, 1e6);
  CHECK_FALSE(p.open(start));
  CHECK(p.next_deadline() >= start + 20ms);
  CHECK(p.next_deadline() <= start + 40ms);
  p.clear();
  CHECK(p.empty());
  CHECK(p.next_deadline() == no_deadline);
}

TEST_CASE("a queue that is never empty does not grow") {
  pacer p;
  for (int i = 0; i < 200; ++i) p.push(packet(1000, i), false);
  for (int i = 200; i < 100'000; ++i) {
    REQUIRE(p.front()[0] == static_cast<std::byte>(i - 200));
    p.pop();
    p.push(packet(1000, i), false);
  }
  CHECK(p.bytes() == 200'000);
}
