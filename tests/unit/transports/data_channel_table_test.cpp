#include <boost/asio/post.hpp>

#include "channel/table.hpp"

#include <catch2/catch.hpp>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/task_group.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace std::chrono_literals;

namespace {

std::vector<std::byte> some(std::size_t size) { return std::vector<std::byte>(size, std::byte{7}); }

/// SCTP as the test says it is.
struct script final : channel_host {
  send_outcome transmit(bytes_view message, const send_options& o) override {
    if (full) return send_outcome::full;
    sent.emplace_back(o, message.size());
    return send_outcome::sent;
  }
  bool request_reset(std::uint16_t stream) override {
    resets.push_back(stream);
    return knows_reconfig;
  }
  bool request_streams(std::uint16_t, std::uint16_t) override { return false; }
  std::size_t queued() const override { return queue; }
  void window_changed() override { ++window_changes; }
  void discard_parts(std::uint16_t stream) override { discarded.push_back(stream); }
  void rearm_by(deadline) override {}

  bool full = false;
  bool knows_reconfig = true;
  std::size_t queue = 0;
  std::vector<std::pair<send_options, std::size_t>> sent;
  std::vector<std::uint16_t> resets;
  std::vector<std::uint16_t> discarded;
  int window_changes = 0;
};

config small_bounds() {
  config out;
  out.channel_buffer_bytes = 1000;
  out.receive_buffer_bytes = 10000;
  return out;
}

struct fixture {
  fixture() { table.on_established(16, 16); }
  std::unique_ptr<data_channel> open(std::uint16_t id) {
    std::unique_ptr<data_channel> out;
    test::run(context, [&]() -> awaitable<void> { out = co_await table.open(id, {}, {}); });
    return out;
  }
  std::vector<message> receive(data_channel& c) {
    std::vector<message> out;
    test::run(context, [&]() -> awaitable<void> { co_await c.receive(out); });
    return out;
  }
  void reset_both(std::uint16_t id) {
    table.on_incoming_reset(id);
    table.on_outgoing_reset(id, true);
  }
  asio::io_context context{1};
  script host;
  const config options = small_bounds();
  channel_table table{context.get_executor(), host, options};
};

}  // namespace

TEST_CASE("payload protocol identifiers: text, binary and the empty ones are taken, others dropped and counted") {
  fixture f;
  auto c = f.open(1);
  const auto unknown = drops("sctp", "unknown-ppid");
  f.table.on_message(1, 51, some(3));
  f.table.on_message(1, 53, some(4));
  f.table.on_message(1, 56, some(1));
  f.table.on_message(1, 57, some(1));
  f.table.on_message(1, 0, some(5));
  f.table.on_message(1, 4711, some(5));
  const auto got = f.receive(*c);
  REQUIRE(got.size() == 4);
  CHECK(got[0].kind == message_kind::text);
  CHECK(got[1].kind == message_kind::binary);
  CHECK(got[2].kind == message_kind::text);
  CHECK(got[2].bytes.empty());
  CHECK(got[3].bytes.empty());
  CHECK(drops("sctp", "unknown-ppid") == unknown + 2);
  CHECK(f.host.resets.empty());
  f.table.on_message(1, 52, some(5));  // a part of a message, in a way that is deprecated: the rest would be wrong
  CHECK(f.host.resets == std::vector<std::uint16_t>{1});
}

TEST_CASE("messages go out as 53 and 51, empty ones as 57 and 56 with one octet") {
  fixture f;
  auto c = f.open(3);
  CHECK(c->try_send(some(9)));
  CHECK(c->try_send(some(9), message_kind::text));
  CHECK(c->try_send({}));
  CHECK(c->try_send({}, message_kind::text));
  const std::vector<std::pair<std::uint32_t, std::size_t>> expected{{53, 9}, {51, 9}, {57, 1}, {56, 1}};
  REQUIRE(f.host.sent.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(f.host.sent[i].first.ppid == expected[i].first);
    CHECK(f.host.sent[i].second == expected[i].second);
    CHECK(f.host.sent[i].first.stream == 3);
  }
}

TEST_CASE("what a channel holds is counted until it is taken, empty messages too, and the host hears when there is room again") {
  fixture f;
  auto a = f.open(1);
  auto b = f.open(2);
  for (int i = 0; i < 20; ++i) f.table.on_message(1, 53, some(100));
  CHECK(f.table.held().held_bytes() == 20 * 164);
  f.table.on_message(2, 57, some(1));
  CHECK(f.table.held().held_bytes() == 20 * 164 + 64);
  const auto before = f.host.window_changes;
  CHECK(f.receive(*a).size() == 20);
  CHECK(f.receive(*b).size() == 1);
  CHECK(f.table.held().held_bytes() == 0);
  CHECK(f.host.window_changes == before + 2);
}

TEST_CASE("a channel that holds more than its share and is not read for the hold limit is closed, and only that one") {
  fixture f;
  test::manual_clock time(f.context);
  auto blocked = f.open(1);
  auto sibling = f.open(2);
  for (int i = 0; i < 8; ++i) f.table.on_message(1, 53, some(100));
  f.table.on_message(2, 53, some(100));
  time.advance(29s);
  f.table.expire(clock::now());
  CHECK(f.host.resets.empty());
  CHECK(f.table.next_deadline() == clock::now() + 1s);
  time.advance(1s);
  f.table.expire(clock::now());
  CHECK(f.host.resets == std::vector<std::uint16_t>{1});
  std::string cause;
  test::run(f.context, [&]() -> awaitable<void> {
    std::vector<message> none;
    try {
      co_await blocked->receive(none);
    } catch (const stage_error& e) {
      cause = e.cause();
    }
    CHECK(none.empty());
  });
  CHECK(cause == "channel:blocked");
  CHECK_THROWS_AS(blocked->try_send(some(1)), stage_error);
  CHECK(f.table.held().held_bytes() == 164);
  CHECK(f.receive(*sibling).size() == 1);
  f.reset_both(1);
  CHECK(f.open(1)->id() == 1);
}

TEST_CASE("a channel that is read from, however slowly, is not closed") {
  fixture f;
  test::manual_clock time(f.context);
  auto slow = f.open(1);
  for (int i = 0; i < 20; ++i) {
    for (int n = 0; n < 70; ++n) f.table.on_message(1, 53, some(60));
    time.advance(20s);
    f.table.expire(clock::now());
    CHECK(f.receive(*slow).size() == 64);
    while (slow->unread_messages() > 50) f.receive(*slow);
  }
  CHECK(f.host.resets.empty());
}

TEST_CASE("a channel whose user works for longer than the hold limit on what it took is closed only when that stands still") {
  fixture f;
  test::manual_clock time(f.context);
  auto slow = f.open(1);
  for (int n = 0; n < 70; ++n) f.table.on_message(1, 53, some(60));
  f.receive(*slow);
  for (int n = 0; n < 70; ++n) f.table.on_message(1, 53, some(60));
  for (int i = 0; i < 60; ++i) {
    time.advance(1s);
    slow->in_use();
    f.table.expire(clock::now());
  }
  CHECK(f.host.resets.empty());
  time.advance(30s);
  f.table.expire(clock::now());
  CHECK(f.host.resets == std::vector<std::uint16_t>{1});
}

TEST_CASE("what a channel had received before it was reset is bounded like any other's, and its loss is told as such") {
  fixture f;
  test::manual_clock time(f.context);
  auto c = f.open(1);
  const auto cause = [&] {
    std::string out;
    test::run(f.context, [&]() -> awaitable<void> {
      try {
        (void)co_await c->peer_closed();
      } catch (const stage_error& e) {
        out = e.cause();
      }
    });
    return out;
  };
  for (int i = 0; i < 8; ++i) f.table.on_message(1, 53, some(100));
  f.table.refuse(1);
  CHECK(cause() == "channel:reset");
  CHECK(c->unread_messages() == 8);
  time.advance(29s);
  f.table.expire(clock::now());
  CHECK(cause() == "channel:reset");
  time.advance(1s);
  f.table.expire(clock::now());
  CHECK(cause() == "channel:blocked");
  CHECK(c->unread_messages() == 0);
}

TEST_CASE("what unclaimed streams send is held, and they are refused when nobody comes for them") {
  fixture f;
  test::manual_clock time(f.context);
  for (std::uint16_t stream = 0; stream < 5; ++stream) f.table.on_message(stream, 53, some(200));
  CHECK(f.table.next_deadline() == clock::now() + f.options.unclaimed_hold);
  auto claimed = f.open(2);
  CHECK(f.receive(*claimed).size() == 1);
  time.advance(2s);
  f.table.expire(clock::now());
  CHECK(f.host.resets.size() == 4);
  CHECK(std::ranges::find(f.host.resets, 2) == f.host.resets.end());
  CHECK(f.table.held().held_bytes() == 0);
  const auto late = drops("sctp", "no-channel");
  f.table.on_message(0, 53, some(200));
  CHECK(drops("sctp", "no-channel") == late + 1);
  f.reset_both(0);
  CHECK(f.open(0)->id() == 0);
}

TEST_CASE("OPENs with long names count for what is held: many of them cost no more than other data") {
  fixture f;
  dcep_open open;
  open.protocol = "msrp";
  open.label = std::string(900, 'x');
  const auto before = drops("sctp", "blocked-channel");
  for (std::uint16_t stream = 0; stream < 250; ++stream) f.table.on_message(stream, 50, compose(open));
  CHECK(f.table.held().held_bytes() <= 2 * f.options.receive_buffer_bytes);
  CHECK(drops("sctp", "blocked-channel") >= before + 225);
}

TEST_CASE("a peer that disregards the window loses the channel that holds the most") {
  fixture f;
  auto small = f.open(1);
  auto large = f.open(2);
  f.table.on_message(1, 53, some(900));
  for (int i = 0; i < 30; ++i) f.table.on_message(2, 53, some(1000));
  CHECK(f.host.resets == std::vector<std::uint16_t>{2});
  CHECK(f.table.held().held_bytes() == 964);
  CHECK(f.receive(*small).size() == 1);
}

TEST_CASE("parts of a message count for their channel, and are dropped with it") {
  fixture f;
  auto c = f.open(1);
  CHECK(f.table.hold_part(1, 9000));
  CHECK(f.table.held().held_bytes() == 9000);
  CHECK_FALSE(f.table.hold_part(1, 12000));  // beyond all bounds: the channel is closed
  CHECK(f.table.held().held_bytes() == 0);
  CHECK(f.host.discarded == std::vector<std::uint16_t>{1});
  CHECK(f.host.resets == std::vector<std::uint16_t>{1});
}

TEST_CASE("while channels wait for room, those of a higher priority get more turns") {
  fixture f;
  channel_transfer high;
  high.priority = 1024;
  std::unique_ptr<data_channel> a;
  test::run(f.context, [&]() -> awaitable<void> { a = co_await f.table.open(0, {}, {}, high); });
  auto b = f.open(1);
  f.host.full = true;
  CHECK(!a->try_send(some(1000)));
  CHECK(!b->try_send(some(1000)));
  for (int i = 0; i < 50; ++i) {
    f.host.full = false;
    f.table.on_room();  // room for one message
    if (a->try_send(some(1000)) || b->try_send(some(1000))) f.host.full = true;
    (void)a->try_send(some(1000));
    (void)b->try_send(some(1000));
    f.context.restart();
    f.context.poll();
  }
  const auto of_a = a->statistics().messages_sent;
  const auto of_b = b->statistics().messages_sent;
  CHECK(of_a + of_b == 50);
  CHECK(of_a >= 38);
  CHECK(of_b >= 8);
}

TEST_CASE("the peer's reset is answered, everything before it is delivered, and then receive() says so") {
  fixture f;
  auto c = f.open(5);
  f.table.on_message(5, 53, some(1));
  f.table.on_message(5, 53, some(2));
  f.table.on_incoming_reset(5);
  CHECK(f.host.resets == std::vector<std::uint16_t>{5});
  CHECK_THROWS_AS(c->try_send(some(1)), stage_error);
  CHECK(f.receive(*c).size() == 2);
  bool open = true;
  test::run(f.context, [&]() -> awaitable<void> {
    std::vector<message> none;
    open = co_await c->receive(none);
  });
  CHECK(!open);
  f.table.on_outgoing_reset(5, true);
  CHECK(f.open(5)->id() == 5);  // while the old channel object is still held
}

TEST_CASE("a reset that the peer denies is asked for again, and given up in the end") {
  fixture f;
  test::manual_clock time(f.context);
  auto c = f.open(5);
  c.reset();
  for (int i = 0; i < 10; ++i) {
    f.table.on_outgoing_reset(5, false);
    time.advance(250ms);
    f.table.expire(clock::now());
  }
  CHECK(f.host.resets.size() == 5);
  f.table.on_incoming_reset(5);
  CHECK(f.open(5)->id() == 5);
}

TEST_CASE("a peer without RE-CONFIG: closing is immediate, on our side alone") {
  fixture f;
  f.host.knows_reconfig = false;
  auto c = f.open(5);
  bool closed = false;
  test::run(f.context, [&]() -> awaitable<void> {
    co_await c->close(no_deadline);
    closed = true;
  });
  CHECK(closed);
  CHECK(f.open(5)->id() == 5);
}

TEST_CASE("DCEP garbage on an idle stream resets it; an ACK that nobody asked for and a second OPEN are only counted") {
  fixture f;
  const auto malformed = drops("dcep", "malformed");
  f.table.on_message(4, 50, some(3));
  CHECK(drops("dcep", "malformed") == malformed + 1);
  CHECK(f.host.resets == std::vector<std::uint16_t>{4});
  auto c = f.open(6);
  dcep_open open;
  open.protocol = "msrp";
  f.table.on_message(6, 50, compose(open));
  REQUIRE(f.host.sent.size() == 1);  // the ACK
  CHECK(f.host.sent[0].first.ppid == 50);
  const auto repeated = drops("dcep", "repeated");
  const auto unexpected = drops("dcep", "unexpected-ack");
  f.table.on_message(6, 50, compose(open));
  f.table.on_message(6, 50, compose(dcep_ack()));
  CHECK(drops("dcep", "repeated") == repeated + 1);
  CHECK(drops("dcep", "unexpected-ack") == unexpected + 1);
  CHECK(f.host.resets.size() == 1);
}

TEST_CASE("very small messages are bounded by their number, not only by their bytes") {
  fixture f;
  auto c = f.open(0);
  f.host.queue = 100000;
  int sent = 0;
  while (sent < 10000 && c->try_send(some(1))) ++sent;
  CHECK(sent < 300);
  f.host.queue = 0;
  f.table.on_room();
  CHECK(c->try_send(some(1)));
}

TEST_CASE("waiting channels take turns, and one that does not use its turn gives it up") {
  fixture f;
  auto a = f.open(0);
  auto b = f.open(1);
  auto d = f.open(2);
  f.host.full = true;
  CHECK(!a->try_send(some(10)));
  CHECK(!b->try_send(some(10)));
  CHECK(!d->try_send(some(10)));
  f.host.full = false;
  f.table.on_room();
  CHECK(!d->try_send(some(10)));  // a's turn
  CHECK(a->try_send(some(10)));
  CHECK(!a->try_send(some(10)));  // b's turn now; a is behind d
  f.context.restart();
  f.context.poll();               // unused turns pass on until no channel waits
  CHECK(d->try_send(some(10)));
  CHECK(f.host.sent.size() == 2);
}

TEST_CASE("a receive that is cancelled when a message has just come leaves it to the next one") {
  fixture f;
  auto c = f.open(1);
  std::vector<message> taken;
  test::run(f.context, [&]() -> awaitable<void> {
    task_group reading(f.context.get_executor(), "reading");
    reading.spawn("read", [&]() -> awaitable<void> { co_await c->receive(taken); });
    for (int i = 0; i < 5; ++i) co_await asio::post(f.context, use_awaitable);
    f.table.on_message(1, 53, some(4));
    co_await reading.stop();  // it is awake by now, and has not had its turn
  });
  CHECK(taken.empty());
  CHECK(f.receive(*c).size() == 1);
}
