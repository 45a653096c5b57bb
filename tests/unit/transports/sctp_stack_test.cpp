#include "agw/transports/sctp_stack.hpp"

#include <stdexcept>

#include <boost/asio/co_spawn.hpp>

#include <catch2/catch.hpp>

#include "agw/core/shard.hpp"
#include "sctp/mailbox.hpp"
#include "sctp/socket.hpp"
#include "sctp_link.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

namespace {

/// One pair on a bad link: everything that it loses comes again by the stack's timers, on the stack's thread. Yields how many
/// messages arrived as they were sent.
awaitable<int> exchange(unsigned seed) {
  link_quality bad;
  bad.seed = seed;
  bad.loss = 0.05;
  bad.reorder = 0.05;
  sctp_link wire(bad);
  int good = 0;
  auto body = [&](sctp_pair& pair) -> awaitable<void> {
    auto a = co_await pair.left->open_channel(0);
    auto b = co_await pair.right->open_channel(0);
    task_group senders(co_await asio::this_coro::executor);
    senders.spawn("sender", [&]() -> awaitable<void> {
      for (unsigned i = 0; i < 50; ++i) co_await a->send(pattern(8000, seed + i));
    });
    const auto got = co_await take(*b, 50);
    co_await senders.join();
    for (unsigned i = 0; i < got.size(); ++i) good += got[i].bytes == pattern(8000, seed + i);
    co_await a->close(deadline_after(std::chrono::seconds(10)));
  };
  co_await with_pair(wire, {}, {}, body);
  co_return good;
}

}  // namespace

TEST_CASE("there is one SCTP stack at a time, and no association without one") {
  sctp_link wire;
  const auto opening = [&] {
    test::run([&]() -> awaitable<void> {
      auto inside = [&](task_group& tasks) -> awaitable<void> { co_await sctp::open(tasks, wire.left, {}); };
      co_await with_tasks("open", inside);
    });
  };
  CHECK_THROWS_AS(opening(), std::logic_error);
  for (int i = 0; i < 3; ++i) {
    sctp::stack first(manual_stack());
    CHECK_THROWS_AS(sctp::stack(manual_stack()), std::logic_error);
  }
}

TEST_CASE("associations of two shards share the stack, whose thread retransmits for both") {
  sctp::stack stack;
  {
    shard_pool shards(2);
    asio::io_context here(1);
    int good = 0;
    for (unsigned i = 0; i < 12; ++i) {
      auto task = [&shards, &good, i]() -> awaitable<void> {
        auto there = [i] { return exchange(i * 17 + 1); };
        good += co_await on(shards[i % 2], there);
      };
      asio::co_spawn(here, task, [](std::exception_ptr e) {
        if (e) std::rethrow_exception(e);
      });
    }
    here.run();
    CHECK(good == 12 * 50);
  }
  CHECK(sctp::stack::associations() == 0);
}

TEST_CASE("an id is used again when it has rested for two seconds, the one that rested longest first") {
  struct silent final : mailbox_owner {
    void on_packet(bytes_view) override {}
    void on_foreign(const datagram_batch&) override {}
    void on_exhausted() noexcept override {}
  } owner;
  sctp_world world;
  const auto take = [&] { return register_mailbox(world.context.get_executor(), owner); };
  const auto a = take();
  const auto b = take();
  CHECK(a->id() != b->id());
  unregister_mailbox(*a);
  const auto c = take();
  CHECK(c->id() != a->id());
  unregister_mailbox(*b);
  world.time.advance(2s);
  const auto d = take();
  CHECK(d->id() == a->id());
  const auto e = take();
  CHECK(e->id() == b->id());
  const auto f = take();
  CHECK(f->id() > c->id());
  CHECK(sctp::stack::associations() == 4);
  for (const auto& one : {c, d, e, f}) unregister_mailbox(*one);
}

TEST_CASE("what a callback of usrsctp's throws stops at its border, and the owner is told, on its own thread and from the timers") {
  struct poor final : mailbox_owner {
    void on_packet(bytes_view) override {
      ++packets;
      throw std::bad_alloc();
    }
    void on_foreign(const datagram_batch&) override {}
    void on_exhausted() noexcept override { ++exhausted; }
    int packets = 0;
    int exhausted = 0;
  } owner;
  sctp_world world;
  const auto box = register_mailbox(world.context.get_executor(), owner);
  {
    const inside_usrsctp here(box->id(), owner);
    sctp_socket socket(box->id(), sctp::config(), 1200);
    socket.connect(5000);  // sends INIT
    CHECK(owner.packets == 1);
    CHECK(owner.exhausted == 1);
  }
  box->exhausted();
  box->put({});
  world.time.settle();
  CHECK(owner.exhausted == 2);
  unregister_mailbox(*box);
}
