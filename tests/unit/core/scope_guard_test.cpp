#include "agw/core/scope_guard.hpp"

#include <stdexcept>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "support/loop.hpp"

using namespace agw;

TEST_CASE("a scope guard calls its function once, when the scope is left by its end, by return or by an exception") {
  int calls = 0;
  {
    const scope_guard guard([&] { ++calls; });
    CHECK(calls == 0);
  }
  CHECK(calls == 1);
  const auto returns = [&](bool early) {
    const scope_guard guard([&] { ++calls; });
    if (early) return 1;
    return 2;
  };
  CHECK(returns(true) == 1);
  CHECK(calls == 2);
  const auto throws = [&] {
    const scope_guard guard([&] { ++calls; });
    throw std::runtime_error("left");
  };
  CHECK_THROWS_AS(throws(), std::runtime_error);
  CHECK(calls == 3);
}

TEST_CASE("scope guards run in the reverse order of their construction") {
  std::string order;
  {
    const scope_guard first([&] { order += 'a'; });
    const scope_guard second([&] { order += 'b'; });
  }
  CHECK(order == "ba");
}

TEST_CASE("a released scope guard calls nothing") {
  int calls = 0;
  {
    scope_guard guard([&] { ++calls; });
    guard.release();
    guard.release();
  }
  CHECK(calls == 0);
}

TEST_CASE("a scope guard runs when the coroutine that holds it is cancelled while it waits") {
  asio::io_context context(1);
  asio::cancellation_signal cancel;
  int calls = 0;
  std::exception_ptr error;
  auto body = [&]() -> awaitable<void> {
    const scope_guard guard([&] { ++calls; });
    timer never(context, no_deadline);
    co_await never.async_wait(use_awaitable);
  };
  asio::co_spawn(context, std::move(body), asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) { error = std::move(e); }));
  context.poll();
  CHECK(calls == 0);
  cancel.emit(asio::cancellation_type::terminal);
  context.restart();
  context.poll();
  CHECK(calls == 1);
  CHECK(error);
}
