// A one-waiter, auto-reset event: how synchronous code of a shard wakes a coroutine of the same shard.
#pragma once

#include <memory>
#include <tuple>
#include <utility>

#include <boost/asio/append.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include "agw/core/awaitable.hpp"

namespace agw {

/// set() before wait() is remembered once. At most one coroutine may wait at a time. The waiter is resumed through its executor,
/// never inside set(). Cancelling the wait throws operation_aborted. Shard-bound: no member may be called from another thread.
class event {
 public:
  event() = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  /// A waiter that is still there is resumed with operation_aborted.
  ~event() { complete(asio::error::operation_aborted); }

  /// Wakes the waiter, or lets the next wait() return at once.
  void set() {
    if (waiter_) {
      complete({});
    } else {
      set_ = true;
    }
  }

  /// Discards a set() that no wait() has consumed.
  void reset() noexcept { set_ = false; }
  bool is_set() const noexcept { return set_; }

  awaitable<void> wait() { return set_ ? take() : begin<void>(use_awaitable); }

  /// As wait(), but a cancel is a value, operation_aborted: for a coroutine that does not throw when it is cancelled, and goes on.
  awaitable<std::tuple<error_code>> settle() { return begin<std::tuple<error_code>>(asio::as_tuple(use_awaitable)); }

 private:
  awaitable<void> take() {
    if (!std::exchange(set_, false)) co_await wait();
  }

  // No coroutine of its own: there are a dozen waits in each call, and a frame costs memory while it waits, and a throw when it is cancelled.
  template <class Result, class Token>
  awaitable<Result> begin(const Token& token) {
    auto initiation = [this](auto&& handler) { this->start(std::forward<decltype(handler)>(handler)); };
    return asio::async_initiate<const Token, void(error_code)>(initiation, token);
  }

  struct waiter {
    virtual ~waiter() = default;
    virtual void resume(error_code ec) = 0;
  };

  template <class Handler>
  struct waiter_of final : waiter {
    using executor_type = std::decay_t<decltype(asio::prefer(std::declval<asio::associated_executor_t<Handler>>(),
                                                             asio::execution::outstanding_work.tracked))>;
    explicit waiter_of(Handler h)
        : handler(std::move(h)),
          executor(asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked)) {}
    void resume(error_code ec) override {
      if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
      asio::post(executor, asio::append(std::move(handler), ec));
    }
    Handler handler;
    executor_type executor;
  };

  template <class Handler>
  void start(Handler&& handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    waiter_ = std::make_unique<waiter_of<std::decay_t<Handler>>>(std::forward<Handler>(handler));
    if (std::exchange(set_, false)) return complete({});
    if (slot.is_connected()) {
      slot.assign([this](asio::cancellation_type) { complete(asio::error::operation_aborted); });
    }
  }

  void complete(error_code ec) {
    if (auto w = std::exchange(waiter_, nullptr)) w->resume(ec);
  }

  std::unique_ptr<waiter> waiter_;
  bool set_ = false;
};

}  // namespace agw
