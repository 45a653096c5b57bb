// Helpers for tests of coroutines: a loop that runs one coroutine to its end, and a clock that the test moves.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"

namespace agw::testing {

/// A coroutine on a loop that the test turns itself. The callable lives as long as the coroutine, even when the test gives up before.
class started {
 public:
  /// Starts `f()`, an awaitable<void>.
  template <class F>
  started(asio::io_context& context, F f) {
    auto held = std::make_shared<outcome_of<F>>(std::move(f));
    outcome_ = held;
    start(context, held->f());
  }

  bool ended() const noexcept { return outcome_->ended; }
  /// Rethrows what it threw.
  void check() const;

 private:
  struct outcome {
    virtual ~outcome() = default;
    std::exception_ptr error;
    bool ended = false;
  };
  template <class F>
  struct outcome_of final : outcome {
    explicit outcome_of(F work) : f(std::move(work)) {}
    F f;
  };

  void start(asio::io_context& context, awaitable<void> work);

  std::shared_ptr<outcome> outcome_;
};

/// Runs a coroutine on `context` until it ended, and rethrows what it threw. Throws logic_error when nothing is left to do before.
void run(asio::io_context& context, const started& work);

/// The same for `f()`, an awaitable<void>.
template <class F>
void run(asio::io_context& context, F f) {
  const started work(context, std::move(f));
  run(context, work);
}

template <class F>
void run(F f) {
  asio::io_context context(1);
  run(context, std::move(f));
}

/// "<stage>:<reason>", "cancelled", what() of another exception; empty without one.
std::string failure_of(const std::exception_ptr& error);

/// While it lives, agw::clock shows the time that the test sets, at first `start`. advance() lets the timers of `context` expire and runs
/// what became ready.
class manual_clock {
 public:
  explicit manual_clock(asio::io_context& context, clock::time_point start = clock::time_point(std::chrono::seconds(1000)));
  ~manual_clock();
  manual_clock(const manual_clock&) = delete;
  manual_clock& operator=(const manual_clock&) = delete;

  /// Runs everything that is ready, then moves the time, and runs what became ready by it.
  void advance(clock::duration by);

  /// Runs the loop until nothing is ready.
  void settle();

 private:
  asio::io_context& context_;
};

}  // namespace agw::testing
