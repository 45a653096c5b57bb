// What must come to its end once it has begun.
#pragma once

#include <utility>

#include "agw/core/task_group.hpp"

namespace agw {

/// Runs `f()`, a callable that returns awaitable<void>, to its end even when the caller is cancelled meanwhile; then the cancellation goes on.
/// `f` bounds its own time: every wait in it has a deadline.
template <class F>
awaitable<void> shielded(F f) {
  auto body = [&f]() -> awaitable<void> {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await f();
  };
  auto begin = [&body](task_group& group) { group.spawn("body", body); };
  co_await join_all("shielded", std::move(begin));
}

}  // namespace agw
