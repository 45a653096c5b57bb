// The coroutine type of agw, and the names used with it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include "agw/core/loop_executor.hpp"

namespace agw {

namespace asio = boost::asio;
using boost::system::error_code;
using boost::system::result;
using boost::system::system_error;

/// A coroutine that runs on one shard. Its cancellation is always `terminal` (style: cancel is an event).
template <class T = void>
using awaitable = asio::awaitable<T, loop_executor>;

/// The completion token of an asynchronous operation that such a coroutine awaits.
using use_awaitable_t = asio::use_awaitable_t<loop_executor>;
inline constexpr use_awaitable_t use_awaitable;

/// True when the coroutine was asked to end: `is_cancelled(co_await asio::this_coro::cancellation_state)`. A cancel that comes
/// after an operation has completed, but before the coroutine resumes, does not show in that operation's result; the next co_await
/// throws. Code that has taken something in that operation puts it back first.
inline bool is_cancelled(const asio::cancellation_state& state) noexcept {
  return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace agw
