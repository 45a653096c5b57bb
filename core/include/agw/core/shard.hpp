// Shards: one thread and one io_context each, with nothing shared between them.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include "agw/core/awaitable.hpp"
#include "agw/core/until.hpp"

namespace agw {

/// One loop. What lives on it is touched only from its thread; others hop here with on().
class shard {
 public:
  explicit shard(std::size_t index);
  /// stop() must have been called when the thread was started.
  ~shard();
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;

  std::size_t index() const noexcept { return index_; }
  loop_executor executor() noexcept { return context_.get_executor(); }
  asio::io_context& context() noexcept { return context_; }
  bool running_here() noexcept { return context_.get_executor().running_in_this_thread(); }

  /// Gives the shard a thread of its own.
  void start();
  /// Runs the loop in the calling thread until stop(): for the shard of main() and for tests.
  void run();
  /// Ends the loop and joins its thread. Everything that runs here has been joined before: a suspended frame that dies with the
  /// loop would run its destructors against objects that are gone.
  void stop();

 private:
  std::size_t index_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

/// Tells shard_pool that its shards have no threads.
struct driven_t {
  explicit driven_t() = default;
};

/// `count` shards, running from the start.
class shard_pool {
 public:
  explicit shard_pool(std::size_t count);
  /// Shards without threads. Whoever made the pool turns their loops, all on one thread: so a test decides which of them goes on.
  static constexpr driven_t driven{};
  shard_pool(std::size_t count, driven_t);
  ~shard_pool();
  std::size_t size() const noexcept { return shards_.size(); }
  shard& operator[](std::size_t i) noexcept { return *shards_[i]; }
  /// The next one, in turn.
  shard& next() noexcept { return *shards_[turn_++ % shards_.size()]; }
  void stop();

 private:
  std::vector<std::unique_ptr<shard>> shards_;
  std::size_t turn_ = 0;
};

namespace detail {

/// A call on another shard, kept alive by everything that may still touch it. What co_spawn() itself offers is not enough: a cancel that crosses the
/// end of the call would reach memory that is gone (Boost 1.81).
template <class F>
class hop : public std::enable_shared_from_this<hop<F>> {
 public:
  using value = typename std::invoke_result_t<F&>::value_type;

  hop(loop_executor target, F f) : target_(std::move(target)), f_(std::move(f)) {}

  /// On the caller's thread, where `handler` is called when the call has ended, and only then.
  template <class Handler>
  void start(Handler handler) {
    auto self = this->shared_from_this();
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) {
      slot.assign([self](asio::cancellation_type) {
        asio::post(self->target_, [self] { self->signal_.emit(asio::cancellation_type::terminal); });
      });
    }
    auto caller = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    auto resume = [slot, h = std::move(handler)]() mutable {
      if (slot.is_connected()) slot.clear();
      std::move(h)();
    };
    // The signal is touched on the target's thread alone.
    asio::post(target_, [self, caller, r = std::move(resume)]() mutable {
      if constexpr (requires(F& f) { f.arrive(); }) self->f_.arrive();
      auto ended = [self, caller, next = std::move(r)](std::exception_ptr e, settled<value> out) mutable {
        self->out_ = std::move(out);
        if (e) self->out_.error = e;
        asio::post(caller, std::move(next));
        if constexpr (requires(F& f) { f.depart(); }) self->f_.depart();
      };
      auto body = [self] { return settle<value>(self->f_()); };
      asio::co_spawn(self->target_, std::move(body), asio::bind_cancellation_slot(self->signal_.slot(), std::move(ended)));
    });
  }

  settled<value>& outcome() noexcept { return out_; }

 private:
  loop_executor target_;
  F f_;
  asio::cancellation_signal signal_;
  settled<value> out_;
};

}  // namespace detail

/// Runs `f()` (a callable that returns awaitable<T>) on `target` and resumes here with its result. A cancel of the caller is
/// handed over to the target's thread, and the caller goes on when `f()` has ended. `f` and its result are moved between the threads:
/// pass values. Two members of `f` are called on the target's thread if they exist: `arrive()` in the order in which one thread made its calls,
/// before `f()` runs, and `depart()` when the result is already on its way to the caller: what another call sends after that arrives later.
template <class F>
auto on(shard& target, F f) -> std::invoke_result_t<F&> {
  using value = typename std::invoke_result_t<F&>::value_type;
  const auto call = std::make_shared<detail::hop<F>>(target.executor(), std::move(f));
  auto initiation = [at = call.get()](auto&& handler) { at->start(std::forward<decltype(handler)>(handler)); };
  co_await asio::async_initiate<const use_awaitable_t, void()>(initiation, use_awaitable);
  auto& out = call->outcome();
  if (out.error) std::rethrow_exception(out.error);
  if constexpr (!std::is_void_v<value>) co_return std::move(*out.value);
}

}  // namespace agw
