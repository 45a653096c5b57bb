#include "agw/core/event.hpp"

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

namespace agw {

struct event::waiter {
  virtual ~waiter() = default;
  virtual void resume(error_code ec) = 0;
};

template <class Handler>
struct event::waiter_of final : waiter {
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

event::event() noexcept = default;

event::~event() { complete(asio::error::operation_aborted); }

awaitable<void> event::wait() { return set_ ? take() : begin<void>(use_awaitable); }

awaitable<std::tuple<error_code>> event::settle() { return begin<std::tuple<error_code>>(asio::as_tuple(use_awaitable)); }

awaitable<void> event::take() {
  if (!std::exchange(set_, false)) co_await wait();
}

// No coroutine of its own: there are a dozen waits in each call, and a frame costs memory while it waits, and a throw when it is cancelled.
template <class Result, class Token>
awaitable<Result> event::begin(const Token& token) {
  auto initiation = [this](auto&& handler) { this->start(std::forward<decltype(handler)>(handler)); };
  return asio::async_initiate<const Token, void(error_code)>(initiation, token);
}

template <class Handler>
void event::start(Handler&& handler) {
  auto slot = asio::get_associated_cancellation_slot(handler);
  waiter_ = std::make_unique<waiter_of<std::decay_t<Handler>>>(std::forward<Handler>(handler));
  if (std::exchange(set_, false)) return complete({});
  if (slot.is_connected()) {
    slot.assign([this](asio::cancellation_type) { complete(asio::error::operation_aborted); });
  }
}

void event::complete(error_code ec) {
  if (auto w = std::exchange(waiter_, nullptr)) w->resume(ec);
}

}  // namespace agw
