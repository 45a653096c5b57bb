#include "sctp/tick_pace.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::sctp;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{1h};

tick_pace pace() {
  tick_pace p(10ms, 200ms);
  p.start(start);
  return p;
}

}  // namespace

TEST_CASE("looks come at each tick while there is work, and seldom when there has been none for seconds") {
  auto p = pace();
  CHECK(p.next(start) == 10ms);
  for (auto at = start; at <= start + 4s; at += 10ms) p.looked(at, at < start + 2s, 1us);
  CHECK_FALSE(p.idle(start + 6s));
  CHECK(p.next(start + 6s) == 10ms);
  CHECK(p.idle(start + 7s));
  CHECK(p.next(start + 7s) == 200ms);
  p.looked(start + 7s, true, 1us);
  CHECK_FALSE(p.idle(start + 7s));
  CHECK(p.next(start + 7s) == 10ms);
}

TEST_CASE("looks that cost much come less often, but not so seldom that a timer would run out too early") {
  auto p = pace();
  for (int i = 0; i < 100; ++i) p.looked(start, true, 200us);
  CHECK(p.next(start) > 18ms);
  CHECK(p.next(start) <= 20ms);
  for (int i = 0; i < 100; ++i) p.looked(start, true, 5ms);
  CHECK(p.next(start) == tick_pace::slowest);
  CHECK(250ms - tick_pace::slowest >= 200ms);
}

TEST_CASE("one look that finds much to do changes little") {
  auto p = pace();
  for (int i = 0; i < 100; ++i) p.looked(start, true, 20us);
  p.looked(start, true, 1ms);
  CHECK(p.next(start) < 20ms);
}
