// Helpers for tests of coroutines: a loop that runs one coroutine to its end, and a clock that the test moves.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/error.hpp"

namespace agw::testing {

/// Runs `f()` on `context` until it ended, and rethrows what it threw.
template <class F>
void run(asio::io_context& context, F f) {
  std::exception_ptr error;
  bool ended = false;
  asio::co_spawn(context, std::move(f), [&](std::exception_ptr e) {
    error = std::move(e);
    ended = true;
  });
  context.restart();
  context.run();
  if (error) std::rethrow_exception(error);
  if (!ended) throw std::logic_error("the coroutine under test never ended");
}

template <class F>
void run(F f) {
  asio::io_context context(1);
  run(context, std::move(f));
}

/// "<stage>:<reason>", "cancelled", what() of another exception; empty without one.
inline std::string failure_of(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const stage_error& e) {
    return e.cause();
  } catch (const system_error& e) {
    return e.code() == asio::error::operation_aborted ? "cancelled" : e.what();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

/// While it lives, agw::clock shows the time that the test sets, at first `start`. advance() lets the timers of `context` expire and runs
/// what became ready.
class manual_clock {
 public:
  explicit manual_clock(asio::io_context& context, clock::time_point start = clock::time_point(std::chrono::seconds(1000)))
      : context_(context) {
    clock::manual_now = start.time_since_epoch().count();
  }
  ~manual_clock() { clock::manual_now = clock::real_time; }
  manual_clock(const manual_clock&) = delete;
  manual_clock& operator=(const manual_clock&) = delete;

  /// Runs everything that is ready, then moves the time, and runs what became ready by it.
  void advance(clock::duration by) {
    settle();
    clock::manual_now += by.count();
    // The timer queue reads a custom clock only when an earlier timer re-arms it.
    timer wake(context_.get_executor(), clock::now() - std::chrono::hours(1));
    wake.async_wait([](error_code) {});
    settle();
  }

  /// Runs the loop until nothing is ready.
  void settle() {
    context_.restart();
    while (context_.poll() != 0) {
    }
  }

 private:
  asio::io_context& context_;
};

}  // namespace agw::testing
