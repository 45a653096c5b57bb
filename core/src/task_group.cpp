#include "agw/core/task_group.hpp"

#include <cstdlib>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
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

void task_group::start(std::unique_ptr<child> starting) {
  child& c = *starting.release();
  children_.push_back(c);
  auto on_end = [this, &c](std::exception_ptr e) { ended(c, std::move(e)); };
  try {
    asio::co_spawn(executor_, run(c), asio::bind_cancellation_slot(c.signal.slot(), on_end));
  } catch (...) {  // no memory for it
    erase(c);
    throw;
  }
  if (cancelled_) emit(c);
}

// The child's error is kept aside, and throwing is switched off after it: in Boost 1.81 a child that was cancelled and ends
// without ever suspending would otherwise never reach its handler, and the error would leave the executor's run().
// A cancel is no failure; it is told apart here, because to look into an exception_ptr is to throw once more.
awaitable<void> task_group::run(child& c) {
  try {
    co_await c.work();
    if (c.leads) cancel();
  } catch (const system_error& e) {
    if (e.code() != asio::error::operation_aborted) c.error = std::current_exception();
  } catch (...) {
    c.error = std::current_exception();
  }
  c.forget();
  co_await asio::this_coro::throw_if_cancelled(false);
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
  if (auto error = std::exchange(c.error, nullptr); error && !is_cancellation(error)) failed(c.name, std::move(error));
  asio::post(executor_, [this, &c] {
    erase(c);
    if (children_.empty() && joining_) emptied_.set();
  });
}

void task_group::erase(child& c) {
  children_.erase_and_dispose(children_.iterator_to(c), std::default_delete<child>());
}

void task_group::failed(std::string_view who, std::exception_ptr error) {
  if (first_error_) {
    log::debug("{}/{}: also failed: {}", name_, who, describe(error));
    return;
  }
  first_error_ = std::move(error);
  cancel();
}

// Calls `begin`, if there is one, whose error counts as a child's, and waits until all have ended. True when the awaiting coroutine
// was cancelled meanwhile: its caller throws that, for throwing is switched off here.
awaitable<bool> task_group::wait_empty(void (*begin)(task_group&, void*), void* argument) {
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  try {
    if (begin != nullptr) begin(*this, argument);
  } catch (...) {
    failed("begin", std::current_exception());
  }
  bool cancelled = is_cancelled(co_await asio::this_coro::cancellation_state);
  if (cancelled) cancel();
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
  co_await asio::this_coro::throw_if_cancelled(throwing);
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
  const bool cancelled = co_await wait_empty(nullptr, nullptr);
  throw_outcome(cancelled);
}

awaitable<void> task_group::stop() {
  auto begin = [](task_group& group) { group.cancel(); };
  co_await wait_empty(&call<decltype(begin)>, &begin);
  if (auto error = std::exchange(first_error_, nullptr)) log::debug("{}: failed while being stopped: {}", name_, describe(error));
}

}  // namespace agw
