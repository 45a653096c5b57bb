// The one place where coroutines start. Who creates a group joins it before leaving its scope.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/intrusive/list.hpp>

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
    start(std::make_unique<child_of<F>>(name, false, std::move(f)));
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

  // Outlives its coroutine by a turn of the loop (see ended()).
  struct child : boost::intrusive::list_base_hook<> {
    child(std::string_view n, bool leading) : name(n), leads(leading) {}
    virtual ~child() = default;
    virtual awaitable<void> work() = 0;
    virtual void forget() noexcept = 0;

    std::string name;
    bool leads;  // the group is cancelled when it has done its work
    asio::cancellation_signal signal;
    std::exception_ptr error;
  };

  // All that is compiled for each kind of child: the coroutine around it is one for all.
  template <class F>
  struct child_of final : child {
    child_of(std::string_view n, bool leading, F work) : child(n, leading), f(std::move(work)) {}
    awaitable<void> work() override { return (*f)(); }
    void forget() noexcept override { f.reset(); }
    std::optional<F> f;
  };

  template <class F>
  static void call(task_group& group, void* begin) {
    (*static_cast<F*>(begin))(group);
  }

  void start(std::unique_ptr<child> starting);
  awaitable<void> run(child& c);
  void emit(child& c);
  void ended(child& c, std::exception_ptr e);
  void erase(child& c);
  void failed(std::string_view who, std::exception_ptr error);
  awaitable<bool> wait_empty(void (*begin)(task_group&, void*), void* argument);
  void throw_outcome(bool cancelled);

  loop_executor executor_;
  std::string name_;
  boost::intrusive::list<child> children_;
  std::exception_ptr first_error_;
  event emptied_;
  bool cancelled_ = false;
  bool joining_ = false;
};

/// Calls `begin(group)`, which spawns children and does not wait, and returns when all of them have ended, as join() has it; what `begin`
/// throws counts as a child's failure. To spawn children and join() them in the same coroutine is not the same: one that cancels that
/// coroutine before it has first waited makes it end by an exception, with the group still alive.
template <class F>
awaitable<void> join_all(std::string name, F begin) {
  task_group group(co_await asio::this_coro::executor, std::move(name));
  const bool cancelled = co_await group.wait_empty(&task_group::call<F>, &begin);
  group.throw_outcome(cancelled);
}

/// Runs `body(group)` beside the children that it spawns into the group. When the body returns, children that are left are
/// cancelled; when a child fails, the body is cancelled and the failure is thrown; when the caller is cancelled, all of them
/// are. In every case all have ended before this returns. `body` returns awaitable<void>; it is one of the children, so it
/// must not join the group.
template <class F>
awaitable<void> with_tasks(std::string name, F body) {
  return join_all(std::move(name), [body = std::move(body)](task_group& group) mutable {
    auto work = [&group, &body] { return body(group); };
    group.start(std::make_unique<task_group::child_of<decltype(work)>>("body", true, work));
  });
}

}  // namespace agw
