// Whether somebody sets the system's clock. Calls and deadlines do not follow it; stamps of the log, and what is expired, do.
#pragma once

#include <chrono>
#include <optional>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/metrics.hpp"

namespace agw::server {

/// Compares the two clocks at each look. No I/O.
class clock_steps {
 public:
  using wall = std::chrono::system_clock;
  static constexpr std::chrono::milliseconds least{1000};  ///< less is how NTP slews, or a look that came late

  /// By how much the system's clock was set since the last look, forward or back; nothing where it was not.
  std::optional<std::chrono::milliseconds> look(clock::time_point now, wall::time_point said);

 private:
  struct pair {
    clock::time_point now;
    wall::time_point said;
  };
  std::optional<pair> last_;
};

/// agw_clock_steps_total, and a line for each. Looks once a second, until cancelled.
awaitable<void> watch_clock(metrics& counted);

}  // namespace agw::server
