#include "sctp/round_trip.hpp"

#include <catch2/catch.hpp>

#include "sctp_link.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{1h};

}  // namespace

TEST_CASE("heartbeats are asked for until the smoothed round trip is near what they show") {
  round_trip_check c;
  CHECK(c.next_deadline() == no_deadline);
  CHECK(c.due(start) == 0);
  c.start(start);
  CHECK(c.due(start) == 4);
  CHECK(c.due(start) == 0);
  CHECK_FALSE(c.waiting());
  c.sent(start);
  CHECK(c.waiting());
  c.answered(start + 20ms, 500ms);
  CHECK_FALSE(c.waiting());
  CHECK(c.due(start + 20ms) == 4);
  c.sent(start + 20ms);
  c.answered(start + 40ms, 35ms);
  CHECK(c.next_deadline() == no_deadline);
  c.sent(start + 1s);  // for another reason
  CHECK_FALSE(c.waiting());
}

TEST_CASE("heartbeats that are lost are followed by others, sooner once the round trip is known, and in the end by none") {
  round_trip_check c;
  c.start(start);
  CHECK(c.due(start) == 4);
  c.sent(start);
  CHECK(c.next_deadline() == start + 500ms);
  CHECK(c.due(start + 500ms) == 4);
  c.sent(start + 500ms);
  c.answered(start + 510ms, 1s);
  CHECK(c.due(start + 510ms) == 4);
  CHECK(c.next_deadline() == start + 560ms);
  unsigned packets = 3;
  for (auto at = c.next_deadline(); at != no_deadline; at = c.next_deadline()) packets += c.due(at) != 0;
  CHECK(packets == 20);
}

TEST_CASE("what is lost after a slow set-up is sent again as soon as after a quick one") {
  link_quality quality;
  quality.delay = 10ms;
  sctp_link wire(quality);
  sctp_world world;
  wire.left.down = wire.right.down = true;
  clock::duration took{};
  world.run([&]() -> awaitable<void> {
    auto body = [&](sctp_pair& pair) -> awaitable<void> {
      auto from = co_await pair.left->open_channel(0);
      auto to = co_await pair.right->open_channel(0);
      co_await sleep_until(deadline_after(1s));
      const auto begun = clock::now();
      wire.left.down = true;
      const auto message = pattern(200);
      co_await from->send(message);
      co_await sleep_until(deadline_after(20ms));
      wire.left.down = false;
      const auto got = co_await take(*to, 1);
      CHECK(got.size() == 1);
      took = clock::now() - begun;
    };
    auto ready = [&](task_group& tasks) -> awaitable<void> {
      tasks.spawn("network", [&]() -> awaitable<void> {
        co_await sleep_until(deadline_after(3s));
        wire.left.down = wire.right.down = false;
      });
      co_await with_pair(wire, {}, {}, body);
    };
    co_await with_tasks("late", ready);
  });
  CHECK(took < 500ms);  // 2 s without the heartbeats
}
