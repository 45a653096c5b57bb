#include "../../../transports/src/ice/move_watch.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace std::chrono_literals;
using ice::move_watch;
using action = ice::move_watch::action;

namespace {

udp::endpoint at(std::uint16_t port) { return udp::endpoint(asio::ip::make_address("192.0.2.7"), port); }

struct script {
  // Obeys the watch until it decides, or `by` has passed. Counts the probes.
  action pass(clock::duration by, std::uint16_t selected = 1) {
    const auto end = now + by;
    while (const auto due = watch.deadline()) {
      if (*due > end) break;
      now = std::max(now, *due);
      const auto decided = watch.timeout(at(selected), now);
      if (decided == action::probe) ++probes;
      if (decided == action::follow || decided == action::stay) return decided;
    }
    now = end;
    return action::none;
  }
  move_watch watch;
  clock::time_point now{1h};
  int probes = 0;
};

}  // namespace

TEST_CASE("a watch that has nothing to decide has no deadline") {
  script s;
  REQUIRE_FALSE(s.watch.watching());
  REQUIRE_FALSE(s.watch.deadline());
  REQUIRE(s.watch.timeout(at(1), s.now) == action::none);
}

TEST_CASE("a new address is followed only after the selected one has left all probes without an answer for two seconds") {
  script s;
  s.watch.found(at(2), at(1), s.now);
  REQUIRE(s.pass(2s - 1ms) == action::none);
  REQUIRE(s.probes == 5);
  REQUIRE(s.pass(1ms) == action::follow);
  REQUIRE(s.watch.take() == at(2));
  REQUIRE_FALSE(s.watch.deadline());
}

TEST_CASE("a selected address that answers stays") {
  script s;
  s.watch.found(at(2), at(1), s.now);
  REQUIRE(s.pass(1s) == action::none);
  REQUIRE(s.watch.take() == at(2));
  REQUIRE_FALSE(s.watch.watching());
  REQUIRE(s.pass(10s) == action::none);
  REQUIRE(s.probes == 3);
}

TEST_CASE("of several new addresses the latest is followed, and the silence is as long as it was") {
  script s;
  s.watch.found(at(2), at(1), s.now);
  REQUIRE(s.pass(1500ms) == action::none);
  s.watch.found(at(3), at(1), s.now);
  REQUIRE(s.pass(500ms) == action::follow);
  REQUIRE(s.watch.take() == at(3));
}

TEST_CASE("a nomination that comes meanwhile decides") {
  script s;
  s.watch.found(at(2), at(1), s.now);
  REQUIRE(s.pass(1s) == action::none);
  REQUIRE(s.pass(1s, 4) == action::stay);
  REQUIRE(s.watch.take() == at(2));
}
