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

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

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
  asio::any_io_executor executor() noexcept { return context_.get_executor(); }
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

/// `count` running shards.
class shard_pool {
 public:
  explicit shard_pool(std::size_t count);
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

/// Runs `f()` (a callable that returns awaitable<T>) on `target` and resumes here with its result. A cancel of the caller is
/// handed over to the target's thread. `f` and its result are moved between the threads: pass values.
template <class F>
auto on(shard& target, F f) -> std::invoke_result_t<F&> {
  using value = typename std::invoke_result_t<F&>::value_type;
  auto body = [g = std::move(f)]() mutable { return detail::settle<value>(g()); };
  auto out = co_await asio::co_spawn(target.executor(), std::move(body), asio::use_awaitable);
  if (out.error) std::rethrow_exception(out.error);
  if constexpr (!std::is_void_v<value>) co_return std::move(*out.value);
}

}  // namespace agw
