// Deadlines for one awaitable.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/error.hpp"

namespace agw {

namespace detail {

template <class T>
struct settled {
  std::exception_ptr error;
  bool cancelled = false;  // `error` is operation_aborted
  std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> value;
};

// The outcome as a value, so that nothing is thrown across Asio's group, and with throwing off at the end (see task_group::run).
template <class T>
awaitable<settled<T>> settle(awaitable<T> operation) {
  settled<T> out;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(operation);
      out.value.emplace();
    } else {
      out.value.emplace(co_await std::move(operation));
    }
  } catch (const system_error& e) {
    out.error = std::current_exception();
    out.cancelled = e.code() == asio::error::operation_aborted;
  } catch (...) {
    out.error = std::current_exception();
  }
  co_await asio::this_coro::throw_if_cancelled(false);
  co_return out;
}

template <class T>
using in_time = std::conditional_t<std::is_void_v<T>, bool, std::optional<T>>;

// until() or within(), by what it is to yield: there is no frame, and no throw, between the two.
template <class Result, class T>
awaitable<Result> race(deadline by, awaitable<T> operation) {
  auto executor = co_await asio::this_coro::executor;
  timer at(executor, by);
  auto settling = settle<T>(std::move(operation));
  auto group = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(settling), asio::deferred),
                                                       at.async_wait(asio::deferred));
  auto [order, thrown, outcome, timer_error] =
      co_await group.async_wait(asio::experimental::wait_for_one(), use_awaitable);
  const auto error = thrown ? thrown : outcome.error;
  if (error) {
    const bool cancelled = thrown ? is_cancellation(thrown) : outcome.cancelled;
    if (!cancelled || timer_error || clock::now() < by) std::rethrow_exception(error);
    if constexpr (std::is_same_v<Result, in_time<T>>) {
      co_return Result();
    } else {
      throw system_error(make_error_code(core_error::timed_out));
    }
  }
  if constexpr (!std::is_void_v<T>) {
    co_return std::move(*outcome.value);
  } else if constexpr (!std::is_void_v<Result>) {
    co_return true;
  }
}

// What half of all files wait for is compiled once, in until.cpp.
extern template awaitable<void> race<void, void>(deadline by, awaitable<void> operation);
extern template awaitable<bool> race<bool, void>(deadline by, awaitable<void> operation);

template <class T>
awaitable<in_time<T>> in_any_time(awaitable<T> operation) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(operation);
    co_return true;
  } else {
    co_return co_await std::move(operation);
  }
}

}  // namespace detail

/// Runs `operation`, cancelled when `by` passes. Yields its value; rethrows its error; throws system_error(core_error::timed_out)
/// when the deadline ended it. The value wins when both come together, and an error of its own wins over the deadline. Returns
/// only when the operation has ended: an operation that ignores cancellation delays its caller.
template <class T>
awaitable<T> until(deadline by, awaitable<T> operation) {
  return by == no_deadline ? std::move(operation) : detail::race<T>(by, std::move(operation));
}

/// until() for callers to whom a deadline that passes is no error: false, or nothing, when it ended the operation. Errors of the operation itself,
/// a timed_out of its own among them, are thrown.
template <class T>
awaitable<detail::in_time<T>> within(deadline by, awaitable<T> operation) {
  return by == no_deadline ? detail::in_any_time(std::move(operation)) : detail::race<detail::in_time<T>>(by, std::move(operation));
}

/// Waits until `by`; cancel throws operation_aborted.
awaitable<void> sleep_until(deadline by);

}  // namespace agw
