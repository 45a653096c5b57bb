// The one place where coroutines start. Who creates a group joins it before leaving its scope.
#pragma once

#include <exception>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "agw/core/awaitable.hpp"
#include "agw/core/event.hpp"

namespace agw {

/// Children on one executor (a shard). The first child that fails cancels its siblings, and join() rethrows its error; later
/// failures are logged. A cancelled child is no failure. After join() the group is empty and may be used again.
/// Shard-bound: every member runs on the group's executor.
class task_group {
 public:
  /// `name` appears in the log, with the child's name behind it.
  explicit task_group(loop_executor executor, std::string name = {});
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;
  /// Terminates the program when children are alive: their frames would refer to a scope that is gone.
  ~task_group();

  /// Starts `f()`, a callable that returns awaitable<void>; `f` itself lives as long as the coroutine. In a group that was
  /// cancelled (and not joined since) the child starts cancelled.
  template <class F>
  void spawn(std::string_view name, F f) {
    begin(name, std::move(f), nullptr);
  }

  /// Asks every child to end. Returns at once; join() sees the end. Idempotent.
  void cancel();

  /// Waits until every child ended. When the awaiting coroutine is cancelled, the children are cancelled and still waited for;
  /// then operation_aborted is thrown. Throws the first failure of a child. One join() or stop() at a time. Of a group that lives in the
  /// coroutine itself, use join_all() or with_tasks().
  awaitable<void> join();

  /// cancel() and join(), with the children's failures logged and not thrown. A coroutine that was cancelled itself cannot
  /// await anything any more, not even this: where that may happen use with_tasks().
  awaitable<void> stop();

  bool empty() const noexcept { return children_.empty(); }
  std::size_t size() const noexcept { return children_.size(); }
  const loop_executor& get_executor() const noexcept { return executor_; }
  const std::string& name() const noexcept { return name_; }

 private:
  template <class F>
  friend awaitable<void> join_all(std::string name, F begin);
  template <class F>
  friend awaitable<void> with_tasks(std::string name, F body);

  struct child {
    std::string name;
    asio::cancellation_signal signal;
    std::exception_ptr error;
    std::list<child>::iterator self;
  };

  class on_end {
   public:
    on_end(task_group& group, child& c) noexcept : group_(&group), child_(&c) {}
    void operator()(std::exception_ptr e) { group_->ended(*child_, std::move(e)); }

   private:
    task_group* group_;
    child* child_;
  };

  // The child's error is kept aside, and throwing is switched off after it: in Boost 1.81 a child that was cancelled and ends
  // without ever suspending would otherwise never reach its handler, and the error would leave the executor's run().
  // A cancel is no failure; it is told apart here, because to look into an exception_ptr is to throw once more.
  template <class F>
  static awaitable<void> run(child& c, F f, task_group* led) {
    try {
      co_await f();
      if (led) led->cancel();
    } catch (const system_error& e) {
      if (e.code() != asio::error::operation_aborted) c.error = std::current_exception();
    } catch (...) {
      c.error = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
  }

  // Starts a child; when it has done its work, `led` is cancelled.
  template <class F>
  void begin(std::string_view name, F f, task_group* led) {
    child& c = add(name);
    try {
      asio::co_spawn(executor_, run(c, std::move(f), led), asio::bind_cancellation_slot(c.signal.slot(), on_end(*this, c)));
    } catch (...) {  // no memory for it
      children_.erase(c.self);
      throw;
    }
    if (cancelled_) emit(c);
  }

  child& add(std::string_view name);
  void emit(child& c);
  void ended(child& c, std::exception_ptr e);
  awaitable<bool> wait_empty(bool cancel_first);
  void throw_outcome(bool cancelled);

  loop_executor executor_;
  std::string name_;
  std::list<child> children_;
  std::exception_ptr first_error_;
  event emptied_;
  bool cancelled_ = false;
  bool joining_ = false;
};

/// Calls `begin(group)`, which spawns children and does not wait, and returns when all of them have ended, as join() has it; what `begin` throws cancels
/// them first. To spawn children and join() them in the same coroutine is not the same: one that cancels that coroutine before it has first waited makes
/// it end by an exception, with the group still alive.
template <class F>
awaitable<void> join_all(std::string name, F begin) {
  task_group group(co_await asio::this_coro::executor, std::move(name));
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  std::exception_ptr broken;
  try {
    begin(group);
  } catch (...) {
    broken = std::current_exception();
  }
  const bool cancelled = co_await group.wait_empty(broken != nullptr);
  co_await asio::this_coro::throw_if_cancelled(throwing);
  if (broken) std::rethrow_exception(broken);
  group.throw_outcome(cancelled);
}

/// Runs `body(group)` beside the children that it spawns into the group. When the body returns, children that are left are
/// cancelled; when a child fails, the body is cancelled and the failure is thrown; when the caller is cancelled, all of them
/// are. In every case all have ended before this returns. `body` returns awaitable<void>; it is one of the children, so it
/// must not join the group.
template <class F>
awaitable<void> with_tasks(std::string name, F body) {
  auto begin = [body = std::move(body)](task_group& group) mutable {
    group.begin("body", [&group, &body] { return body(group); }, &group);
  };
  return join_all(std::move(name), std::move(begin));
}

}  // namespace agw
