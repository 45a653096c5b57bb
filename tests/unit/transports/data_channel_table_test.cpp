#include "../../../transports/src/channel/table.hpp"

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
  void resume_reading() override { ++resumed; }
  void rearm() override {}

  bool full = false;
  bool knows_reconfig = true;
  std::size_t queue = 0;
  std::vector<std::pair<send_options, std::size_t>> sent;
  std::vector<std::uint16_t> resets;
  int resumed = 0;
};

struct fixture {
  fixture() {
    options.channel_buffer_bytes = 1000;
    table.on_established(16, 16);
  }
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
  config options;
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

TEST_CASE("a full channel is not read further until it is received from, and does not hold back others before that") {
  fixture f;
  auto a = f.open(1);
  auto b = f.open(2);
  while (f.table.takes(1, 53)) f.table.on_message(1, 53, some(100));
  CHECK(f.table.takes(2, 53));
  CHECK(f.table.takes(1, 50));
  const auto resumed = f.host.resumed;
  const auto got = f.receive(*a);
  CHECK(got.size() < 10);
  CHECK(f.host.resumed > resumed);
  CHECK(f.table.takes(1, 53));
  // Empty messages cost something too.
  int empty = 0;
  for (; f.table.takes(2, 53); ++empty) f.table.on_message(2, 57, some(1));
  CHECK(empty < 20);
}

TEST_CASE("all unclaimed streams together have one bound, and are refused when nobody comes for them") {
  fixture f;
  test::manual_clock time(f.context);
  std::uint16_t stream = 0;
  for (; f.table.takes(stream, 53); ++stream) f.table.on_message(stream, 53, some(200));
  CHECK(stream <= 5);
  CHECK(f.table.next_deadline() == clock::now() + f.options.unclaimed_hold);
  auto claimed = f.open(2);
  CHECK(f.receive(*claimed).size() == 1);
  time.advance(2s);
  f.table.expire(clock::now());
  CHECK(f.host.resets.size() == stream - 1U);
  CHECK(std::ranges::find(f.host.resets, 2) == f.host.resets.end());
  const auto late = drops("sctp", "no-channel");
  f.table.on_message(0, 53, some(200));
  CHECK(drops("sctp", "no-channel") == late + 1);
  f.reset_both(0);
  CHECK(f.open(0)->id() == 0);
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
    for (int i = 0; i < 5; ++i) co_await asio::post(f.context, asio::use_awaitable);
    f.table.on_message(1, 53, some(4));
    co_await reading.stop();  // it is awake by now, and has not had its turn
  });
  CHECK(taken.empty());
  CHECK(f.receive(*c).size() == 1);
}
