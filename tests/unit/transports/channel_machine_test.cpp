#include "channel/machine.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::sctp;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{std::chrono::hours(1)};

}  // namespace

TEST_CASE("an OPEN is offered first, then repeated; after a match it is still repeated") {
  channel_machine m;
  CHECK(m.on_open() == open_verdict::offer);
  CHECK(m.phase() == channel_phase::offered);
  CHECK(m.on_open() == open_verdict::repeated);
  m.match();
  CHECK(m.phase() == channel_phase::open);
  CHECK(m.on_open() == open_verdict::repeated);
}

TEST_CASE("a negotiated channel acknowledges one OPEN; one claimed after its OPEN acknowledges by the claim") {
  channel_machine m;
  CHECK_FALSE(m.claim());
  CHECK(m.phase() == channel_phase::negotiated);
  CHECK(m.on_open() == open_verdict::acknowledge);
  CHECK(m.on_open() == open_verdict::repeated);
  channel_machine late;
  CHECK(late.on_open() == open_verdict::offer);
  CHECK(late.claim());
  CHECK(late.phase() == channel_phase::open);
}

TEST_CASE("an ACK opens what awaits it, is unexpected elsewhere, and garbage on a stream that nobody uses") {
  channel_machine m;
  CHECK(m.on_ack() == ack_verdict::garbage);
  m.claim();
  CHECK(m.on_ack() == ack_verdict::unexpected);
  m.await_ack();
  CHECK(m.claimed());
  CHECK(m.on_ack() == ack_verdict::opened);
  CHECK(m.on_ack() == ack_verdict::unexpected);
}

TEST_CASE("the id is free when both directions are reset, whichever is first") {
  channel_machine ours;
  ours.claim();
  CHECK(ours.sends());
  CHECK(ours.close(start));
  CHECK_FALSE(ours.close(start));
  CHECK_FALSE(ours.sends());
  CHECK(ours.on_outgoing_reset(true, start));
  CHECK_FALSE(ours.finished());
  ours.on_incoming_reset();
  CHECK(ours.forgettable());
  channel_machine theirs;
  theirs.claim();
  theirs.on_incoming_reset();
  CHECK_FALSE(theirs.sends());
  CHECK(theirs.close(start));
  CHECK_FALSE(theirs.finished());
  CHECK(theirs.on_outgoing_reset(true, start));
  CHECK(theirs.forgettable());
}

TEST_CASE("what nobody has claimed is not forgotten before a decision") {
  channel_machine m;
  m.on_incoming_reset();
  m.closed_alone(false);
  CHECK(m.finished());
  CHECK_FALSE(m.forgettable());
  m.refuse();
  CHECK(m.forgettable());
}

TEST_CASE("data that waits for a user expires once, at the earliest of its times") {
  channel_machine m;
  m.wait_for_user(start + 2s);
  m.wait_for_user(start + 5s);
  CHECK(m.next_deadline() == start + 2s);
  CHECK(m.expire(start + 1s) == expiry::nothing);
  CHECK(m.expire(start + 2s) == expiry::unclaimed);
  m.refuse();
  CHECK(m.expire(start + 3s) == expiry::nothing);
  m.wait_for_user(start + 9s);
  CHECK(m.next_deadline() == no_deadline);
}

TEST_CASE("a reset that is denied is asked for again soon, one that is not answered later, and both are given up") {
  for (const bool denied : {true, false}) {
    channel_machine m;
    m.claim();
    m.close(start);
    auto now = start;
    int asked = 0;
    for (;;) {
      if (denied) m.on_outgoing_reset(false, now);
      const auto pause = m.next_deadline() - now;
      CHECK(pause == (denied ? clock::duration(200ms) : clock::duration(10s)));
      now = m.next_deadline();
      const auto due = m.expire(now);
      if (due == expiry::reset_given_up) break;
      REQUIRE(due == expiry::reset_again);
      ++asked;
    }
    CHECK(asked == 4);
    CHECK(m.outgoing() == channel_direction::reset);
    CHECK(m.next_deadline() == no_deadline);
  }
}

TEST_CASE("an id that the peer uses anew has had its reset answered") {
  channel_machine m;
  m.claim();
  CHECK_FALSE(m.used_again());
  m.on_incoming_reset();
  CHECK_FALSE(m.used_again());
  m.close(start);
  CHECK(m.used_again());
  CHECK(m.finished());
}
