// How channels end.
#include "channels.hpp"

#include <catch2/catch.hpp>

#include "agw/core/metrics.hpp"

using namespace agw;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

TEST_CASE("close() delivers everything before it, the peer answers, and the id can be used again at once") {
  sctp_world world;
  with_channels(world, [](sctp_pair& pair) -> awaitable<void> {
    for (unsigned round = 0; round < 20; ++round) {
      auto a = co_await pair.left->open_channel(6);
      auto b = co_await pair.right->open_channel(6);
      for (unsigned i = 0; i < 5; ++i) co_await a->send(pattern(30000, round + i));
      const auto start = clock::now();
      co_await a->close(deadline_after(10s));
      CHECK(clock::now() - start < 1s);
      const auto got = co_await take(*b, 6);
      CHECK(got.size() == 5);
      for (unsigned i = 0; i < got.size(); ++i) CHECK(got[i].bytes == pattern(30000, round + i));
      std::vector<message> more;
      const bool open = co_await a->receive(more);
      CHECK(!open);
    }
  });
}

TEST_CASE("both sides may close at the same time, on a bad link too, and other channels go on") {
  const auto seed = GENERATE(1U, 2U, 3U, 4U);
  sctp_world world;
  link_quality bad;
  bad.seed = seed;
  bad.loss = 0.1;
  bad.delay = 10ms;
  with_channels(
      world,
      [](sctp_pair& pair) -> awaitable<void> {
        task_group children(co_await asio::this_coro::executor);
        auto stays_a = co_await pair.left->open_channel(1);
        auto stays_b = co_await pair.right->open_channel(1);
        for (unsigned round = 0; round < 10; ++round) {
          auto a = co_await pair.left->open_channel(0);
          auto b = co_await pair.right->open_channel(0);
          co_await a->send(pattern(100, round));
          co_await b->send(pattern(200, round));
          const auto got = co_await take(*b, 1);
          CHECK(got.at(0).bytes == pattern(100, round));
          const auto start = clock::now();
          children.spawn("close", [&] { return b->close(deadline_after(1min)); });
          co_await a->close(deadline_after(1min));
          co_await children.join();
          CHECK(clock::now() - start < 30s);
          co_await stays_a->send(pattern(10, round));
          const auto more = co_await take(*stays_b, 1);
          CHECK(more.at(0).bytes == pattern(10, round));
        }
      },
      {}, {}, bad);
}

TEST_CASE("a channel that is destroyed resets its stream, and open_channel() waits until the id is free") {
  sctp_world world;
  link_quality slow;
  slow.delay = 50ms;
  with_channels(
      world,
      [](sctp_pair& pair) -> awaitable<void> {
        auto a = co_await pair.left->open_channel(0);
        auto b = co_await pair.right->open_channel(0);
        const auto busy = co_await outcome(pair.left->open_channel(0));
        CHECK(busy == "channel:busy");
        a.reset();
        const auto start = clock::now();
        a = co_await pair.left->open_channel(0);
        CHECK(clock::now() - start >= 100ms);
        const auto got = co_await take(*b, 1);
        CHECK(got.empty());
        b = co_await pair.right->open_channel(0);
        co_await a->send(pattern(3));
        const auto again = co_await take(*b, 1);
        CHECK(again.size() == 1);
      },
      {}, {}, slow);
}

TEST_CASE("a message beyond our max-message-size ends its channel, not the association") {
  sctp_world world;
  sctp::config small;
  small.max_message_bytes = 10000;
  sctp::config rude;
  rude.peer_max_message_bytes = 0;
  const auto before = drops("sctp", "too-large");
  with_channels(
      world,
      [](sctp_pair& pair) -> awaitable<void> {
        auto a = co_await pair.left->open_channel(0);
        auto b = co_await pair.right->open_channel(0);
        auto a2 = co_await pair.left->open_channel(1);
        auto b2 = co_await pair.right->open_channel(1);
        co_await a->send(pattern(10000));
        co_await a->send(pattern(700000));
        co_await a2->send(pattern(100));
        const auto first = co_await take(*b, 1);
        CHECK(first.at(0).bytes.size() == 10000);
        const auto second = co_await outcome(take(*b, 1));
        CHECK(second == "channel:reset");
        const auto closed = co_await take(*a, 1);
        CHECK(closed.empty());
        const auto other = co_await take(*b2, 1);
        CHECK(other.size() == 1);
      },
      rude, small);
  CHECK(drops("sctp", "too-large") == before + 1);
}

TEST_CASE("a cancel ends every wait of a channel, and what it left behind works on") {
  sctp_world world;
  link_quality silent;
  with_channels(
      world,
      [](sctp_pair& pair) -> awaitable<void> {
        auto cancelled = [](awaitable<void> operation) -> awaitable<bool> {
          try {
            co_await until(deadline_after(100ms), std::move(operation));
          } catch (const system_error& e) {
            co_return e.code() == core_error::timed_out;
          }
          co_return false;
        };
        auto a = co_await pair.left->open_channel(0);
        auto b = co_await pair.right->open_channel(0);
        auto reading = [&]() -> awaitable<void> { co_await take(*a, 1); };
        auto accepting = [&]() -> awaitable<void> { co_await pair.left->accept_channel(expect_msrp()); };
        auto opening = [&]() -> awaitable<void> { co_await pair.left->open_with_dcep(msrp_open(), 9); };
        auto flooding = [&]() -> awaitable<void> {
          for (;;) co_await a->send(pattern(50000));
        };
        for (int i = 0; i < 3; ++i) {
          bool ended = co_await cancelled(reading());
          CHECK(ended);
          ended = co_await cancelled(accepting());
          CHECK(ended);
          ended = co_await cancelled(opening());
          CHECK(ended);
          ended = co_await cancelled(flooding());
          CHECK(ended);
        }
        const auto sent = a->statistics().messages_sent;
        const auto got = co_await take(*b, sent);
        CHECK(got.size() == sent);
        auto second = co_await pair.left->open_channel(9);  // once the refused ones are reset
        CHECK(second->id() == 9);
      },
      {}, {}, silent);
}

TEST_CASE("channels may outlive their association") {
  sctp_world world;
  std::unique_ptr<sctp::data_channel> a;
  with_channels(world, [&](sctp_pair& pair) -> awaitable<void> { a = co_await pair.left->open_channel(0); });
  CHECK_THROWS_AS(a->try_send(pattern(1)), stage_error);
  std::string cause;
  world.run([&]() -> awaitable<void> {
    auto reading = take(*a, 1);
    cause = co_await outcome(std::move(reading));
    co_await a->close(deadline_after(1s));
  });
  CHECK(cause == "sctp:closed");
}
