#include <catch2/catch.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "agw/core/shielded.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/error.hpp"
#include "agw/core/until.hpp"
#include "support/cause_of.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

awaitable<void> wait_forever() { co_await sleep_until(no_deadline); }

struct count_exit {
  explicit count_exit(int& count) : count_(&count) {}
  count_exit(const count_exit&) = delete;
  ~count_exit() { ++*count_; }
  int* count_;
};

}  // namespace

TEST_CASE("join waits for every child") {
  int ended = 0;
  test::run([&]() -> awaitable<void> {
    task_group group(co_await asio::this_coro::executor, "g");
    for (int i = 0; i < 3; ++i) {
      group.spawn("child", [&ended, i]() -> awaitable<void> {
        co_await sleep_until(deadline_after(i * 1ms));
        ++ended;
      });
    }
    REQUIRE(group.size() == 3);
    co_await group.join();
    REQUIRE(group.empty());
    REQUIRE(ended == 3);
  });
}

TEST_CASE("the first failure cancels the siblings and is rethrown by join") {
  int gone = 0;
  test::run([&]() -> awaitable<void> {
    task_group group(co_await asio::this_coro::executor, "g");
    group.spawn("idle", [&gone]() -> awaitable<void> {
      count_exit e(gone);
      co_await wait_forever();
    });
    group.spawn("broken", []() -> awaitable<void> {
      co_await sleep_until(deadline_after(1ms));
      throw stage_error("tcp", "refused");
    });
    const auto cause = co_await test::cause_of(group.join());
    REQUIRE(cause == "tcp:refused");
    REQUIRE(gone == 1);
  });
}

TEST_CASE("a child that fails without suspending is reported by join, not by the loop") {
  test::run([]() -> awaitable<void> {
    task_group group(co_await asio::this_coro::executor, "g");
    group.spawn("broken", []() -> awaitable<void> {
      throw stage_error("dtls", "alert");
      co_return;
    });
    group.cancel();
    group.spawn("late", []() -> awaitable<void> { co_return; });
    bool thrown = false;
    try {
      co_await group.join();
    } catch (const stage_error&) {
      thrown = true;
    }
    REQUIRE(thrown);
  });
}

TEST_CASE("a child's callable is gone before its siblings are told that it failed") {
  std::weak_ptr<int> held;
  bool gone_first = false;
  std::string cause;
  test::run([&]() -> awaitable<void> {
    task_group group(co_await asio::this_coro::executor, "g");
    group.spawn("sibling", [&]() -> awaitable<void> {
      event never;
      const auto [cancelled] = co_await never.settle();
      gone_first = cancelled && held.expired();
    });
    auto only = std::make_shared<int>(1);
    held = only;
    group.spawn("fails", [only = std::move(only)]() -> awaitable<void> {
      co_await asio::post(use_awaitable);
      throw stage_error("test", "broken");
    });
    cause = co_await test::cause_of(group.join());
  });
  REQUIRE(gone_first);
  REQUIRE(cause == "test:broken");
}

TEST_CASE("a callable that can only be moved is spawned, and gone when the group is joined") {
  struct owner {
    explicit owner(int& c) : count(c) {}
    ~owner() { ++count; }
    int& count;
  };
  int gone = 0;
  test::run([&]() -> awaitable<void> {
    task_group group(co_await asio::this_coro::executor, "g");
    auto first = std::make_unique<owner>(gone);
    auto second = std::make_unique<owner>(gone);
    group.spawn("ends", [own = std::move(first)]() -> awaitable<void> { co_return; });
    group.spawn("is cancelled", [own = std::move(second)]() -> awaitable<void> { co_await wait_forever(); });
    co_await group.stop();
    REQUIRE(gone == 2);
  });
}

TEST_CASE("cancelling the owner of a group joins the children before the owner ends") {
  int gone = 0;
  bool owner_ended_last = false;
  test::run([&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    task_group outer(executor, "outer");
    outer.spawn("owner", [&]() -> awaitable<void> {
      task_group inner(co_await asio::this_coro::executor, "inner");
      for (int i = 0; i < 5; ++i) {
        inner.spawn("child", [&gone]() -> awaitable<void> {
          count_exit e(gone);
          co_await wait_forever();
        });
      }
      try {
        co_await inner.join();
      } catch (const system_error&) {
        owner_ended_last = gone == 5 && inner.empty();
        throw;
      }
    });
    co_await sleep_until(deadline_after(1ms));
    outer.cancel();
    co_await outer.join();
  });
  REQUIRE(gone == 5);
  REQUIRE(owner_ended_last);
}

TEST_CASE("with_tasks ends its children when the body returns") {
  int gone = 0;
  test::run([&]() -> awaitable<void> {
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("pump", [&gone]() -> awaitable<void> {
        count_exit e(gone);
        co_await wait_forever();
      });
      co_await sleep_until(deadline_after(1ms));
    };
    co_await with_tasks("scope", body);
    REQUIRE(gone == 1);
  });
}

TEST_CASE("with_tasks cancels the body when a child fails, and throws the failure") {
  int gone = 0;
  std::string cause;
  test::run([&]() -> awaitable<void> {
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("pump", []() -> awaitable<void> {
        co_await sleep_until(deadline_after(1ms));
        throw stage_error("sctp", "abort");
      });
      count_exit e(gone);
      co_await wait_forever();
    };
    cause = co_await test::cause_of(with_tasks("scope", body));
  });
  REQUIRE(gone == 1);
  REQUIRE(cause == "sctp:abort");
}

TEST_CASE("with_tasks inside a cancelled coroutine joins first, and the cancellation goes on") {
  const bool by_its_body = GENERATE(false, true);  // at once, before anything waits
  int gone = 0;
  bool aborted = false;
  test::run([&]() -> awaitable<void> {
    task_group outer(co_await asio::this_coro::executor, "outer");
    outer.spawn("owner", [&]() -> awaitable<void> {
      auto body = [&](task_group& group) -> awaitable<void> {
        group.spawn("child", [&gone]() -> awaitable<void> {
          count_exit e(gone);
          co_await wait_forever();
        });
        if (by_its_body) outer.cancel();
        co_await wait_forever();
      };
      try {
        co_await with_tasks("scope", body);
      } catch (const system_error& e) {
        aborted = e.code() == asio::error::operation_aborted && gone == 1;
        throw;
      }
    });
    if (!by_its_body) {
      co_await sleep_until(deadline_after(1ms));
      outer.cancel();
    }
    co_await outer.join();
  });
  REQUIRE(aborted);
}

TEST_CASE("join_all joins what it began, also when that cancels its caller at once") {
  int gone = 0;
  bool aborted = false;
  test::run([&]() -> awaitable<void> {
    task_group outer(co_await asio::this_coro::executor, "outer");
    outer.spawn("owner", [&]() -> awaitable<void> {
      auto begin = [&](task_group& group) {
        group.spawn("hasty", [&]() -> awaitable<void> {
          count_exit e(gone);
          outer.cancel();
          co_await wait_forever();
        });
        group.spawn("other", [&]() -> awaitable<void> {
          count_exit e(gone);
          co_await wait_forever();
        });
      };
      try {
        co_await join_all("all", begin);
      } catch (const system_error& e) {
        aborted = e.code() == asio::error::operation_aborted && gone == 2;
        throw;
      }
    });
    co_await outer.join();
  });
  REQUIRE(aborted);
}

TEST_CASE("join_all waits for every child, and throws the first failure") {
  int gone = 0;
  std::string cause;
  test::run([&]() -> awaitable<void> {
    auto begin = [&](task_group& group) {
      for (int i = 0; i < 3; ++i) {
        group.spawn("child", [&gone, i]() -> awaitable<void> {
          count_exit e(gone);
          co_await sleep_until(deadline_after(std::chrono::milliseconds(1 + i)));
          if (i == 1) throw stage_error("sctp", "abort");
        });
      }
    };
    cause = co_await test::cause_of(join_all("all", begin));
  });
  REQUIRE(gone == 3);
  REQUIRE(cause == "sctp:abort");
}

TEST_CASE("join_all joins what had begun before its function failed") {
  int gone = 0;
  std::string cause;
  test::run([&]() -> awaitable<void> {
    auto begin = [&](task_group& group) {
      group.spawn("child", [&gone]() -> awaitable<void> {
        count_exit e(gone);
        co_await wait_forever();
      });
      throw stage_error("test", "broken");
    };
    cause = co_await test::cause_of(join_all("all", begin));
  });
  REQUIRE(gone == 1);
  REQUIRE(cause == "test:broken");
}

TEST_CASE("join_all: that its caller is cancelled is what is thrown, whatever its function threw") {
  int gone = 0;
  std::string cause;
  test::run([&]() -> awaitable<void> {
    task_group outer(co_await asio::this_coro::executor, "outer");
    outer.spawn("owner", [&]() -> awaitable<void> {
      auto begin = [&](task_group& group) {
        group.spawn("child", [&gone]() -> awaitable<void> {
          count_exit e(gone);
          co_await wait_forever();
        });
        outer.cancel();
        throw stage_error("test", "broken");
      };
      try {
        co_await join_all("all", begin);
      } catch (const std::exception& e) {
        cause = testing::failure_of(std::current_exception());
      }
    });
    co_await outer.join();
  });
  REQUIRE(gone == 1);
  REQUIRE(cause == "cancelled");
}

TEST_CASE("what is shielded comes to its end, also when it cancels its caller at once") {
  bool ended = false, aborted = false;
  test::run([&]() -> awaitable<void> {
    task_group outer(co_await asio::this_coro::executor, "outer");
    outer.spawn("owner", [&]() -> awaitable<void> {
      auto work = [&]() -> awaitable<void> {
        outer.cancel();
        co_await sleep_until(deadline_after(1ms));
        ended = true;
      };
      try {
        co_await shielded(work);
      } catch (const system_error& e) {
        aborted = e.code() == asio::error::operation_aborted && ended;
        throw;
      }
    });
    co_await outer.join();
  });
  REQUIRE(ended);
  REQUIRE(aborted);
}

TEST_CASE("a child spawned into a cancelled group starts cancelled") {
  test::run([]() -> awaitable<void> {
    task_group group(co_await asio::this_coro::executor, "g");
    group.cancel();
    group.spawn("late", []() -> awaitable<void> { co_await wait_forever(); });
    co_await group.join();
    REQUIRE(group.empty());
  });
}

TEST_CASE("10 000 start and cancel cycles end all their children") {
  int gone = 0;
  test::run([&]() -> awaitable<void> {
    task_group group(co_await asio::this_coro::executor, "g");
    for (int i = 0; i < 10'000; ++i) {
      group.spawn("child", [&gone]() -> awaitable<void> {
        count_exit e(gone);
        co_await wait_forever();
      });
      if (i % 2) co_await asio::post(use_awaitable);
      co_await group.stop();
    }
  });
  // A child that was cancelled before its first turn never entered its body.
  REQUIRE(gone >= 5'000);
}

TEST_CASE("a deadline cancels the operation and says so") {
  asio::io_context context(1);
  test::manual_clock time(context);
  int gone = 0;
  error_code seen;
  asio::co_spawn(
      context,
      [&]() -> awaitable<void> {
        auto operation = [&]() -> awaitable<int> {
          count_exit e(gone);
          co_await wait_forever();
          co_return 1;
        };
        try {
          co_await until(deadline_after(10s), operation());
        } catch (const system_error& e) {
          seen = e.code();
        }
      },
      asio::detached);
  time.advance(9s);
  REQUIRE(gone == 0);
  time.advance(2s);
  REQUIRE(gone == 1);
  REQUIRE(seen == core_error::timed_out);
}

TEST_CASE("until yields the value and the operation's own error") {
  test::run([]() -> awaitable<void> {
    auto seven = []() -> awaitable<int> { co_return 7; };
    const int value = co_await until(deadline_after(1h), seven());
    REQUIRE(value == 7);
    auto broken = []() -> awaitable<void> {
      throw stage_error("ice", "consent");
      co_return;
    };
    bool thrown = false;
    try {
      co_await until(deadline_after(1h), broken());
    } catch (const stage_error&) {
      thrown = true;
    }
    REQUIRE(thrown);
  });
}
