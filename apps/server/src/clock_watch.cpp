#include "clock_watch.hpp"

#include <cmath>
#include <utility>

#include "agw/core/log.hpp"
#include "agw/core/until.hpp"

namespace agw::server {

namespace {

constexpr auto period = std::chrono::seconds(1);

counter& steps(metrics& m) { return m.counter("agw_clock_steps_total", "Times that the system clock was set by a second or more."); }

}  // namespace

std::optional<std::chrono::milliseconds> clock_steps::look(clock::time_point now, wall::time_point said) {
  using std::chrono::milliseconds;
  const auto before = std::exchange(last_, pair{now, said});
  if (!before) return std::nullopt;
  const auto passed = std::chrono::duration_cast<milliseconds>(now - before->now);
  const auto step = std::chrono::duration_cast<milliseconds>(said - before->said) - passed;
  if (step > -least && step < least) return std::nullopt;
  return step;
}

awaitable<void> watch_clock(metrics& counted) {
  auto& count = steps(counted);
  clock_steps watched;
  for (;;) {
    if (const auto step = watched.look(clock::now(), clock_steps::wall::now())) {
      count.Increment();
      const auto seconds = std::chrono::duration<double>(*step).count();
      log::warn("the system clock was set {} by {:.1f} s", seconds > 0 ? "forward" : "back", std::abs(seconds));
    }
    co_await sleep_until(deadline_after(period));
  }
}

}  // namespace agw::server
