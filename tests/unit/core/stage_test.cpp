#include <algorithm>
#include <new>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "agw/core/metrics.hpp"
#include "agw/core/stage.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

struct fixture {
  asio::io_context context{1};
  test::manual_clock time{context};
  metrics counted;
  stage_services services;
  std::vector<std::string> seen;
  fixture() {
    services.metrics = &counted;
    services.deadlines.emplace("dtls", 15s);
  }
  stage_observer observer() {
    return [this](const stage_event& e) {
      static constexpr const char* words[] = {"started", "done", "failed", "cancelled"};
      std::string line = std::string(e.stage) + " " + words[static_cast<int>(e.what)];
      if (e.error) line += " " + e.error->cause();
      seen.push_back(line);
    };
  }
};

awaitable<int> forever() {
  co_await sleep_until(no_deadline);
  co_return 0;
}

}  // namespace

TEST_CASE_METHOD(fixture, "a stage that succeeds is observed, timed and yields its value") {
  stage_scope scope(services, "context 1", 1, observer());
  int value = 0;
  test::run(context, [&]() -> awaitable<void> {
    auto op = []() -> awaitable<int> { co_return 42; };
    value = co_await scope.stage("dtls", op());
  });
  REQUIRE(value == 42);
  REQUIRE(seen == std::vector<std::string>{"dtls started", "dtls done"});
  REQUIRE(counted.expose().find("agw_stage_duration_seconds_count{stage=\"dtls\"} 1") != std::string::npos);
}

TEST_CASE_METHOD(fixture, "a stage past its deadline fails with the reason timeout") {
  stage_scope scope(services, "context 1", 1, observer());
  std::string cause;
  asio::co_spawn(
      context,
      [&]() -> awaitable<void> {
        try {
          co_await scope.stage("dtls", forever());
        } catch (const stage_error& e) {
          cause = e.cause();
        }
      },
      asio::detached);
  time.advance(14s);
  REQUIRE(cause.empty());
  time.advance(2s);
  REQUIRE(cause == "dtls:timeout");
  REQUIRE(counted.expose().find("agw_stage_failures_total{reason=\"timeout\",stage=\"dtls\"} 1") != std::string::npos);
}

TEST_CASE_METHOD(fixture, "whatever a stage throws is reported as a failure of that stage") {
  stage_scope scope(services, "context 1", 1, observer());
  std::vector<std::string> causes;
  const auto failing = [&](auto thrown) {
    test::run(context, [&]() -> awaitable<void> {
      auto broken = [&]() -> awaitable<void> {
        throw thrown;
        co_return;
      };
      try {
        co_await scope.stage("msrp", broken(), stage_life::lasting);
      } catch (const stage_error& e) {
        causes.push_back(e.cause() + " " + e.detail());
      }
    });
  };
  failing(std::length_error("a message that is too long"));
  failing(std::bad_alloc());
  failing(system_error(asio::error::broken_pipe));
  failing(42);
  REQUIRE(causes.size() == 4);
  CHECK(causes[0] == "msrp:error a message that is too long");
  CHECK(causes[1].substr(0, 10) == "msrp:error");
  CHECK(causes[2].substr(0, 10) == "msrp:error");
  CHECK(causes[3].substr(0, 10) == "msrp:error");
  CHECK(std::count(seen.begin(), seen.end(), "msrp failed msrp:error") == 4);
  CHECK(counted.expose().find("agw_stage_failures_total{reason=\"error\",stage=\"msrp\"} 4") != std::string::npos);
}

TEST_CASE_METHOD(fixture, "a failure that passes through two stages is reported once") {
  stage_scope scope(services, "context 1", 1, observer());
  test::run(context, [&]() -> awaitable<void> {
    auto inner = [&]() -> awaitable<void> {
      auto broken = []() -> awaitable<void> {
        throw stage_error("sctp", "abort");
        co_return;
      };
      co_await scope.stage("sctp", broken());
    };
    try {
      co_await scope.stage("channel", inner());
    } catch (stage_error& e) {
      scope.report(e);
    }
  });
  REQUIRE(seen == std::vector<std::string>{"channel started", "sctp started", "sctp failed sctp:abort"});
}

TEST_CASE_METHOD(fixture, "a cancelled stage is no failure, and a child that fails leaves its sibling scope alone") {
  stage_scope one(services, "one", 2, observer());
  stage_scope two(services, "two", 3, observer());
  bool sibling_done = false;
  test::run(context, [&]() -> awaitable<void> {
    task_group group(co_await asio::this_coro::executor, "components");
    group.spawn("one", [&]() -> awaitable<void> {
      auto broken = []() -> awaitable<void> {
        throw stage_error("channel", "reset");
        co_return;
      };
      try {
        co_await one.stage("channel", broken());
      } catch (const stage_error&) {
      }
    });
    group.spawn("two", [&]() -> awaitable<void> {
      auto fine = [&]() -> awaitable<void> {
        co_await asio::post(use_awaitable);
        co_return;
      };
      co_await two.stage("channel", fine());
      sibling_done = true;
    });
    co_await group.join();
    group.spawn("waits", [&]() -> awaitable<void> { co_await two.stage("msrp", forever(), stage_life::lasting); });
    co_await asio::post(use_awaitable);
    co_await asio::post(use_awaitable);
    co_await group.stop();
  });
  REQUIRE(sibling_done);
  REQUIRE(seen.back() == "msrp cancelled");
}
