#include "shutdown.hpp"

#include <algorithm>
#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "agw/core/event.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "signals.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace agw::server;
using namespace std::chrono_literals;

namespace {

// A gateway whose calls end, and whose MGC answers, when the test says so.
struct parts_double final : shutdown_parts {
  awaitable<int> signal() override {
    ++waiting_for_signal;
    const scope_guard done([this] { --waiting_for_signal; });
    co_await signals.wait();
    co_return SIGTERM;
  }
  void drain() override { said.push_back("drain"); }
  std::size_t contexts() const override { return calls; }
  void still_draining(agw::clock::duration at_least) override { promised.push_back(at_least); }
  awaitable<bool> empty(deadline by) override {
    while (calls > 0) {
      const bool changed = co_await within(by, changes.wait());
      if (!changed) co_return false;
    }
    co_return true;
  }
  awaitable<bool> tell_graceful(std::uint32_t seconds) override {
    said.push_back("graceful " + std::to_string(seconds));
    co_await answers.wait();
    co_return true;
  }
  awaitable<bool> tell_forced(deadline by) override {
    said.push_back("forced");
    co_return co_await within(by, answers.wait());
  }
  awaitable<void> close() override {
    said.push_back("close");
    calls = 0;
    co_await closed.wait();
    said.push_back("closed");
  }
  event signals, changes, answers, closed;
  std::size_t calls = 2;
  int waiting_for_signal = 0;
  std::vector<std::string> said;
  std::vector<agw::clock::duration> promised;
};

struct fixture {
  explicit fixture(shutdown_config config) {
    auto serving = [this, config]() -> awaitable<void> {
      std::function<shutdown_config()> configured = [config] { return config; };
      co_await serve_until_signal(parts, std::move(configured));
      ended = true;
    };
    group.spawn("serve", std::move(serving));
    clock.settle();
  }
  ~fixture() {
    group.cancel();
    clock.settle();
  }
  void signal() {
    parts.signals.set();
    clock.settle();
  }
  using words = std::vector<std::string>;

  asio::io_context context{1};
  test::manual_clock clock{context};
  parts_double parts;
  task_group group{context.get_executor(), "test"};
  bool ended = false;
};

shutdown_config graceful(clock::duration delay) {
  shutdown_config out;
  out.graceful = true;
  out.delay = delay;
  return out;
}

}  // namespace

TEST_CASE("a signal ends contexts, and the MGC is told first, without holding that up") {
  fixture f(shutdown_config{});
  CHECK(f.parts.said.empty());
  f.signal();
  CHECK(f.parts.said == fixture::words{"forced", "close"});
  f.parts.closed.set();
  f.clock.settle();
  CHECK(f.parts.said.back() == "closed");
  CHECK_FALSE(f.ended);  // the MGC has yet to answer
  f.parts.answers.set();
  f.clock.settle();
  CHECK(f.ended);
}

TEST_CASE("an MGC that does not answer the last word holds the end up for two seconds at most") {
  fixture f(shutdown_config{});
  f.signal();
  f.parts.closed.set();
  f.clock.advance(1900ms);
  CHECK_FALSE(f.ended);
  f.clock.advance(200ms);
  CHECK(f.ended);
}

TEST_CASE("a graceful end waits for the calls, and tells the MGC how long at most") {
  fixture f(graceful(90s));
  f.signal();
  CHECK(f.parts.said == fixture::words{"drain", "graceful 90"});
  f.clock.advance(60s);
  CHECK(f.parts.said.size() == 2);
  f.parts.calls = 0;
  f.parts.changes.set();
  f.clock.advance(400ms);
  CHECK(f.parts.said.size() == 2);  // the reply to the last Subtract is on its way
  f.clock.advance(100ms);
  CHECK(f.parts.said == fixture::words{"drain", "graceful 90", "forced", "close"});
}

TEST_CASE("a graceful end goes on when the delay is over, also by part of a second") {
  fixture f(graceful(1500ms));
  f.signal();
  CHECK(f.parts.said.back() == "graceful 2");
  f.clock.advance(1400ms);
  CHECK(f.parts.said.size() == 2);
  f.clock.advance(200ms);
  CHECK(f.parts.said.back() == "close");
}

TEST_CASE("a graceful end without a delay lasts as long as its calls do") {
  fixture f(graceful(0s));
  f.signal();
  CHECK(f.parts.said.back() == "graceful 0");
  f.clock.advance(std::chrono::hours(100));
  CHECK(f.parts.said.size() == 2);
}

TEST_CASE("as long as a graceful end waits for calls, whoever would kill the process hears of it in time") {
  fixture f(graceful(0s));
  CHECK(f.parts.promised.empty());
  f.signal();
  for (int i = 0; i < 95; ++i) f.clock.advance(1s);
  REQUIRE(f.parts.promised.size() == 10);
  CHECK(f.parts.promised.back() == 30s);
  f.signal();
  for (int i = 0; i < 60; ++i) f.clock.advance(1s);
  CHECK(f.parts.promised.size() == 10);
}

TEST_CASE("a second signal ends the wait, a third changes nothing") {
  fixture f(graceful(0s));
  f.signal();
  f.signal();
  CHECK(f.parts.said == fixture::words{"drain", "graceful 0", "forced", "close"});
  CHECK(f.parts.waiting_for_signal == 0);
  f.signal();
  CHECK(f.parts.said.size() == 4);
  CHECK_FALSE(f.ended);
}

TEST_CASE("an end is over when contexts and MGC are, in either order") {
  fixture f(shutdown_config{});
  f.signal();
  f.parts.answers.set();
  f.clock.settle();
  CHECK_FALSE(f.ended);
  f.parts.closed.set();
  f.clock.settle();
  CHECK(f.ended);
}

TEST_CASE("cancelling an end leaves nobody waiting, at every step") {
  for (int step = 0; step < 3; ++step) {
    fixture f(graceful(0s));
    for (int i = 0; i < step; ++i) f.signal();
    f.group.cancel();
    f.clock.settle();
    CHECK(f.group.empty());
    CHECK_FALSE(f.ended);
  }
}

TEST_CASE("signals that nobody waits for are kept, and end nothing by themselves") {
  asio::io_context context{1};
  signal_sequence signals(context.get_executor(), SIGTERM, SIGINT);
  std::raise(SIGTERM);
  std::raise(SIGINT);
  std::vector<int> seen;
  test::run(context, [&]() -> awaitable<void> {
    for (int i = 0; i < 2; ++i) {
      const int number = co_await signals.next();
      seen.push_back(number);
    }
  });
  std::ranges::sort(seen);
  CHECK(seen == std::vector<int>{SIGINT, SIGTERM});
}

TEST_CASE("no signal ends the process before, or after, somebody waits for it") {
  hold_signals();
  for (const int number : {SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) std::raise(number);
  asio::io_context context{1};
  {
    signal_sequence signals(context.get_executor(), SIGHUP);
    test::run(context, [&]() -> awaitable<void> {
      const int number = co_await signals.next();
      CHECK(number == SIGHUP);
    });
  }
  std::raise(SIGHUP);
  // The next test is to find nothing.
  signal_sequence rest(context.get_executor(), SIGHUP, SIGUSR1, SIGUSR2);
  test::run(context, [&]() -> awaitable<void> {
    for (int i = 0; i < 3; ++i) co_await rest.next();
  });
}

TEST_CASE("a wait for a signal can be cancelled, and the next one sees what came since") {
  asio::io_context context{1};
  test::manual_clock clock(context);
  signal_sequence signals(context.get_executor(), SIGTERM, SIGINT);
  test::run(context, [&]() -> awaitable<void> {
    const auto nothing = co_await within(agw::clock::now(), signals.next());
    CHECK_FALSE(nothing);
    std::raise(SIGTERM);
    const int number = co_await signals.next();
    CHECK(number == SIGTERM);
  });
}
