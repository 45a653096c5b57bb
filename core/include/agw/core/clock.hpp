// The clock that every deadline and timer of agw is read from.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

#include <boost/asio/basic_waitable_timer.hpp>

#include "agw/core/loop_executor.hpp"

namespace agw {

/// The steady clock, or, while a test holds a `manual_clock` (tests/support), the time that the test set. Safe from any thread.
struct clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<clock, duration>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept {
    const auto manual = manual_now.load(std::memory_order_relaxed);
    return time_point(manual != real_time ? duration(manual)
                                          : std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()));
  }

  /// For the tests' `manual_clock` only: nanoseconds since the epoch, or `real_time`.
  static constexpr std::int64_t real_time = std::numeric_limits<std::int64_t>::min();
  static inline std::atomic<std::int64_t> manual_now{real_time};
};

/// A deadline is a point in time, handed down unchanged; only configuration holds durations.
using deadline = clock::time_point;
inline constexpr deadline no_deadline = deadline::max();

/// now + `after`, without overflow: a duration of `duration::max()` is no deadline.
inline deadline deadline_after(clock::duration after) noexcept {
  const auto now = clock::now();
  return after >= no_deadline - now ? no_deadline : now + after;
}

using timer = boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>, loop_executor>;

}  // namespace agw
