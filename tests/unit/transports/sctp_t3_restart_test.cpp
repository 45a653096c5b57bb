#include "sctp/t3_restart.hpp"

#include <catch2/catch.hpp>

#include "sctp/chunks.hpp"
#include "sctp_link.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{1h};

std::vector<std::byte> sack(std::uint32_t cumulative, std::uint16_t gaps = 0, std::uint16_t duplicates = 0) {
  const std::size_t size = 16 + 4u * gaps + 4u * duplicates;
  std::vector<std::byte> out(common_header_bytes + size + 8);
  put_word(out, 0, 0x11112222);
  put_word(out, 12, 0x03000000 | static_cast<std::uint32_t>(size));
  put_word(out, 16, cumulative);
  put_word(out, 20, 100000);
  put_word(out, 24, std::uint32_t{gaps} << 16 | duplicates);
  put_word(out, 12 + size, 0x05000008);  // something behind it
  return out;
}

}  // namespace

TEST_CASE("a SACK that acknowledges data without gaps gets a report that says nothing, once in a while") {
  t3_restart t;
  CHECK(t.rewrite(sack(7), 7, start).empty());  // nothing new
  CHECK(t.rewrite(sack(6), 7, start).empty());
  CHECK(t.rewrite(sack(8, 1), 7, start).empty());
  const auto out = t.rewrite(sack(8, 0, 1), 7, start);
  REQUIRE(out.size() == sack(8, 0, 1).size() + 4);
  CHECK(word_at(out, 12) == (0x03000000 | 24));
  CHECK(word_at(out, 16) == 8);
  CHECK(word_at(out, 24) == 0x00010001);
  CHECK(word_at(out, 28) == 0x00020001);  // ends before it begins
  CHECK(word_at(out, 36) == 0x05000008);
  CHECK(t.rewrite(sack(9), 8, start + 49ms).empty());
  CHECK_FALSE(t.rewrite(sack(9), 8, start + 50ms).empty());
}

TEST_CASE("without loss the peer's window is what limits a transfer, however long the round trip") {
  const auto round_trip = GENERATE(100ms, 300ms);
  CAPTURE(round_trip.count());
  link_quality quality;
  quality.delay = round_trip / 2;
  sctp_link wire(quality);
  sctp_world world;
  std::size_t octets = 0;
  constexpr auto measured = 6s;
  world.run([&]() -> awaitable<void> {
    auto body = [&](sctp_pair& pair) -> awaitable<void> {
      auto from = co_await pair.left->open_channel(0);
      auto to = co_await pair.right->open_channel(0);
      auto transfer = [&](task_group& sending) -> awaitable<void> {
        sending.spawn("sender", [&]() -> awaitable<void> {
          const auto message = pattern(16384);
          for (;;) co_await from->send(message);
        });
        co_await sleep_until(deadline_after(3s));  // slow start is over
        std::vector<message> got;
        co_await to->receive(got);
        const auto by = deadline_after(measured);
        while (clock::now() < by) {
          got.clear();
          co_await to->receive(got);
          for (const auto& m : got) octets += m.bytes.size();
        }
        throw std::runtime_error("over");
      };
      try {
        co_await with_tasks("transfer", transfer);
      } catch (const std::runtime_error&) {
      }
      CHECK(pair.left->statistics().retransmitted_chunks == 0);
    };
    co_await with_pair(wire, {}, {}, body);
  });
  // Of the window of 1 MiB usrsctp counts a fifth as its own cost; a step of the test's clock is 10 ms.
  const double seconds = std::chrono::duration<double>(measured).count();
  const double of_window = seconds / std::chrono::duration<double>(round_trip + 20ms).count() * (1 << 20);
  CHECK(static_cast<double>(octets) > 0.6 * of_window);
}
