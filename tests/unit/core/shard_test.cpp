#include "agw/core/shard.hpp"

#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <catch2/catch.hpp>

#include "agw/core/event.hpp"
#include "agw/core/task_group.hpp"
#include "support/loop.hpp"

using namespace agw;

TEST_CASE("on() runs on the shard's thread and comes back with the result") {
  shard_pool shards(2);
  test::run([&]() -> awaitable<void> {
    const auto here = std::this_thread::get_id();
    for (int i = 0; i < 100; ++i) {
      auto& home = shards.next();
      auto there = [&home]() -> awaitable<std::thread::id> {
        if (!home.running_here()) throw std::logic_error("elsewhere");
        co_return std::this_thread::get_id();
      };
      const auto id = co_await on(home, there);
      CHECK(id != here);
      CHECK(std::this_thread::get_id() == here);
    }
  });
  shards.stop();
}

TEST_CASE("what is thrown on the shard arrives where it was asked for") {
  shard_pool shards(1);
  test::run([&]() -> awaitable<void> {
    auto fails = []() -> awaitable<void> {
      throw std::runtime_error("from afar");
      co_return;
    };
    std::string said;
    try {
      co_await on(shards[0], fails);
    } catch (const std::runtime_error& e) {
      said = e.what();
    }
    CHECK(said == "from afar");
  });
  shards.stop();
}

TEST_CASE("a cancelled caller waits until its work on the shard has ended") {
  shard_pool shards(1);
  std::atomic<bool> began = false;
  std::atomic<bool> unwound = false;
  asio::io_context context(1);
  test::run(context, [&]() -> awaitable<void> {
    task_group tasks(context.get_executor(), "caller");
    auto call = [&]() -> awaitable<void> {
      auto patient = [&]() -> awaitable<void> {
        struct mark {
          explicit mark(std::atomic<bool>& a) : at(a) {}
          ~mark() { at = true; }
          std::atomic<bool>& at;
        };
        const mark at_end(unwound);
        began = true;
        event never;
        co_await never.wait();
      };
      co_await on(shards[0], patient);
    };
    tasks.spawn("call", std::move(call));
    while (!began) co_await asio::post(use_awaitable);
    co_await tasks.stop();
    CHECK(unwound);
  });
  shards.stop();
}

TEST_CASE("a cancel that crosses the end of the work finds nothing that is gone") {
  shard_pool shards(1);
  asio::io_context context(1);
  std::atomic<int> ended = 0;
  constexpr int rounds = 3000;
  test::run(context, [&]() -> awaitable<void> {
    for (int i = 0; i < rounds; ++i) {
      task_group tasks(context.get_executor(), "caller");
      auto call = [&]() -> awaitable<void> {
        auto brief = [&]() -> awaitable<int> {
          struct mark {
            explicit mark(std::atomic<int>& a) : at(a) {}
            ~mark() { ++at; }
            std::atomic<int>& at;
          };
          const mark at_end(ended);
          co_await asio::post(use_awaitable);
          co_return 1;
        };
        (void)co_await on(shards[0], brief);
      };
      tasks.spawn("call", std::move(call));
      for (int turns = 0; turns < i % 7; ++turns) co_await asio::post(use_awaitable);
      co_await tasks.stop();
    }
  });
  CHECK(ended == rounds);
  shards.stop();
}

TEST_CASE("a pool gives its shards in turn, and each has its own thread") {
  shard_pool shards(3);
  REQUIRE(shards.size() == 3);
  auto& first = shards.next();
  CHECK(&shards.next() != &first);
  CHECK(&shards.next() != &first);
  CHECK(&shards.next() == &first);
  shards.stop();
}

TEST_CASE("a driven pool has no threads: its shards go on when their loops are turned") {
  shard_pool shards(2, shard_pool::driven);
  asio::io_context control(1);
  std::thread::id there;
  bool back = false;
  asio::co_spawn(
      control,
      [&]() -> awaitable<void> {
        auto body = [&]() -> awaitable<void> {
          there = std::this_thread::get_id();
          co_return;
        };
        co_await on(shards[1], body);
        back = true;
      },
      [](std::exception_ptr e) {
        if (e) std::rethrow_exception(e);
      });
  while (control.poll() != 0) {
  }
  CHECK_FALSE(back);
  CHECK(shards[0].context().poll() == 0);
  while (shards[1].context().poll() != 0) {
  }
  CHECK(there == std::this_thread::get_id());
  CHECK_FALSE(back);
  control.poll();
  CHECK(back);
  shards.stop();
}
