#include "agw/core/task_group.hpp"

#include <cstdlib>

#include <boost/asio/post.hpp>

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"

namespace agw {

task_group::task_group(loop_executor executor, std::string name) : executor_(std::move(executor)), name_(std::move(name)) {}

task_group::~task_group() {
  if (children_.empty()) return;
  log::critical("task group '{}' dies with {} children alive, the first is '{}'", name_, children_.size(), children_.front().name);
  log::drain(std::chrono::seconds(1));
  std::abort();
}

task_group::child& task_group::add(std::string_view name) {
  child& c = children_.emplace_back();
  c.name = name;
  c.self = std::prev(children_.end());
  return c;
}

void task_group::emit(child& c) { c.signal.emit(asio::cancellation_type::terminal); }

void task_group::cancel() {
  cancelled_ = true;
  for (auto& c : children_) emit(c);
}

// Called as the child's completion handler, while its frames still exist: the child's entry (its signal, which the frames refer
// to) is removed one turn of the loop later, after they were destroyed.
void task_group::ended(child& c, std::exception_ptr e) {
  if (e && !c.error) c.error = std::move(e);
  if (c.error && !is_cancellation(c.error)) {
    if (!first_error_) {
      first_error_ = c.error;
      cancel();
    } else {
      log::debug("{}/{}: also failed: {}", name_, c.name, describe(c.error));
    }
  }
  c.error = nullptr;
  asio::post(executor_, [this, self = c.self] {
    children_.erase(self);
    if (children_.empty() && joining_) emptied_.set();
  });
}

// True when the awaiting coroutine was cancelled meanwhile. It must not throw then, not even when it begins to await this: throwing is switched off
// by the caller, who puts it back.
awaitable<bool> task_group::wait_empty(bool cancel_first) {
  bool cancelled = is_cancelled(co_await asio::this_coro::cancellation_state);
  if (cancelled || cancel_first) cancel();
  joining_ = true;
  while (!children_.empty()) {
    const auto [ended_early] = co_await emptied_.settle();
    if (!ended_early) continue;
    cancelled = true;
    cancel();
  }
  joining_ = false;
  cancelled_ = false;
  emptied_.reset();
  co_return cancelled;
}

void task_group::throw_outcome(bool cancelled) {
  auto error = std::exchange(first_error_, nullptr);
  if (cancelled) {
    if (error) log::debug("{}: failed while being cancelled: {}", name_, describe(error));
    throw system_error(asio::error::operation_aborted);
  }
  if (error) std::rethrow_exception(error);
}

awaitable<void> task_group::join() {
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  const bool cancelled = co_await wait_empty(false);
  co_await asio::this_coro::throw_if_cancelled(throwing);
  throw_outcome(cancelled);
}

awaitable<void> task_group::stop() {
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await wait_empty(true);
  co_await asio::this_coro::throw_if_cancelled(throwing);
  if (auto error = std::exchange(first_error_, nullptr)) log::debug("{}: failed while being stopped: {}", name_, describe(error));
}

}  // namespace agw
