// Helpers for tests of coroutines: a loop that runs one coroutine to its end, and a clock that the test moves.
#pragma once

#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"

namespace agw::testing {

/// Runs `work` on `context` until it ended, and rethrows what it threw.
void run(asio::io_context& context, awaitable<void> work);

/// The same for what `f()` returns. `f` is called at once, and lives until run() returns.
template <class F>
void run(asio::io_context& context, F f) {
  run(context, awaitable<void>(f()));
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
