// What must come to its end once it has begun.
#pragma once

#include <utility>

#include "agw/core/task_group.hpp"

namespace agw {

/// Runs `f()`, a callable that returns awaitable<void>, to its end even when the caller is cancelled meanwhile; then the cancellation goes on.
/// `f` bounds its own time: every wait in it has a deadline.
template <class F>
awaitable<void> shielded(F f) {
  task_group group(co_await asio::this_coro::executor, "shielded");
  auto body = [&f]() -> awaitable<void> {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await f();
  };
  group.spawn("body", std::move(body));
  co_await group.join();
}

}  // namespace agw
