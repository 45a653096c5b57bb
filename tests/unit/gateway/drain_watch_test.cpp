#include "drain_watch.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::gateway;
using namespace std::chrono_literals;
using verdict = drain_watch::verdict;

namespace {

const clock::time_point start{1h};

drain_watch::view unread(std::size_t messages) {
  drain_watch::view out;
  out.unread = messages;
  out.at_work = true;
  return out;
}

}  // namespace

TEST_CASE("what nobody takes for the limit is blocked, not before") {
  drain_watch watch(30s);
  auto seen = unread(3);
  seen.gated = GENERATE(true, false);
  seen.at_work = GENERATE(true, false);
  CHECK(watch.look(seen, start) == verdict::waits);
  CHECK(watch.look(seen, start + 29s) == verdict::waits);
  CHECK(watch.look(seen, start + 30s) == verdict::blocked);
}

TEST_CASE("whatever moves begins the limit anew: a message that is taken, an octet that the core takes") {
  drain_watch watch(30s);
  auto seen = unread(3);
  CHECK(watch.look(seen, start) == verdict::waits);
  seen.unread = 2;
  CHECK(watch.look(seen, start + 29s) == verdict::waits);
  CHECK(watch.look(seen, start + 58s) == verdict::waits);
  seen.taken_by_core = 1;
  CHECK(watch.look(seen, start + 59s) == verdict::waits);
  CHECK(watch.look(seen, start + 88s) == verdict::waits);
  CHECK(watch.look(seen, start + 89s) == verdict::blocked);
}

TEST_CASE("a channel is drained at once when nothing is left and no stage is at work") {
  drain_watch watch(30s);
  auto seen = unread(1);
  seen.at_work = false;
  CHECK(watch.look(seen, start) == verdict::waits);
  seen.unread = 0;
  CHECK(watch.look(seen, start + 1s) == verdict::drained);
}

TEST_CASE("a stage at a closed gate is waited for, and blocked only when it has something to lose") {
  drain_watch watch(30s);
  auto seen = unread(0);
  seen.gated = true;
  seen.in_hand = GENERATE(true, false);
  CHECK(watch.look(seen, start) == verdict::waits);
  CHECK(watch.look(seen, start + 30s) == (seen.in_hand ? verdict::blocked : verdict::drained));
}

TEST_CASE("a stage whose core takes nothing is blocked, as what it has passed on is not delivered") {
  drain_watch watch(30s);
  CHECK(watch.look(unread(0), start) == verdict::waits);
  CHECK(watch.look(unread(0), start + 30s) == verdict::blocked);
}
