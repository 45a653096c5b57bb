// A one-waiter, auto-reset event: how synchronous code of a shard wakes a coroutine of the same shard.
#pragma once

#include <memory>
#include <tuple>

#include "agw/core/awaitable.hpp"

namespace agw {

/// set() before wait() is remembered once. At most one coroutine may wait at a time. The waiter is resumed through its executor,
/// never inside set(). Cancelling the wait throws operation_aborted. Shard-bound: no member may be called from another thread.
class event {
 public:
  event() noexcept;
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  /// A waiter that is still there is resumed with operation_aborted.
  ~event();

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

  awaitable<void> wait();

  /// As wait(), but a cancel is a value, operation_aborted: for a coroutine that does not throw when it is cancelled, and goes on.
  awaitable<std::tuple<error_code>> settle();

 private:
  struct waiter;
  template <class Handler>
  struct waiter_of;

  awaitable<void> take();
  template <class Result, class Token>
  awaitable<Result> begin(const Token& token);
  template <class Handler>
  void start(Handler&& handler);
  void complete(error_code ec);

  std::unique_ptr<waiter> waiter_;
  bool set_ = false;
};

}  // namespace agw
