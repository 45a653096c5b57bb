#include "shutdown.hpp"

#include <algorithm>

#include "agw/core/event.hpp"
#include "agw/core/log.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"

namespace agw::server {

namespace {

// No new calls; ends when the last one has, at the end of the delay, or with a second signal.
awaitable<void> drain(shutdown_parts& parts, shutdown_config config) {
  const auto delay = config.delay;
  const auto by = delay > clock::duration{} ? deadline_after(delay) : no_deadline;
  event end;
  parts.drain();
  log::info("{} contexts to drain", parts.contexts());
  parts.still_draining(3 * config.progress);
  auto body = [&](task_group& tasks) -> awaitable<void> {
    // The MGC is told beside it: one that does not answer holds nobody up.
    auto tell = [&]() -> awaitable<void> {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(delay).count();
      const bool told = co_await parts.tell_graceful(static_cast<std::uint32_t>(seconds));
      if (!told) log::warn("h248: the MGC was not told that we are going");
    };
    tasks.spawn("tell", std::move(tell));
    auto emptied = [&]() -> awaitable<void> {
      const bool none = co_await parts.empty(by);
      if (none) {
        log::info("no context is left");
        co_await sleep_until(std::min(by, deadline_after(config.linger)));
      } else {
        log::info("the delay is over: {} contexts are left, and end now", parts.contexts());
      }
      end.set();
    };
    tasks.spawn("emptied", std::move(emptied));
    auto progress = [&]() -> awaitable<void> {
      for (;;) {
        co_await sleep_until(deadline_after(config.progress));
        parts.still_draining(3 * config.progress);
        const auto left = std::chrono::ceil<std::chrono::seconds>(by - clock::now()).count();
        if (by == no_deadline) log::info("draining: {} contexts are left", parts.contexts());
        else log::info("draining: {} contexts are left, and {} s of the delay", parts.contexts(), left);
      }
    };
    tasks.spawn("progress", std::move(progress));
    auto hurried = [&]() -> awaitable<void> {
      const int number = co_await parts.signal();
      log::info("signal {}: {} contexts are left, and end now", number, parts.contexts());
      end.set();
    };
    tasks.spawn("hurried", std::move(hurried));
    co_await end.wait();
  };
  co_await with_tasks("drain", std::move(body));
}

}  // namespace

awaitable<void> serve_until_signal(shutdown_parts& parts, std::function<shutdown_config()> configured) {
  const int number = co_await parts.signal();
  const auto config = configured();
  log::info("signal {}: ending", number);
  if (config.graceful) co_await drain(parts, config);
  auto tell = [&]() -> awaitable<void> {
    const bool told = co_await parts.tell_forced(deadline_after(config.farewell));
    if (!told) log::warn("h248: the MGC was not told that we are gone");
  };
  auto begin = [&](task_group& last) {
    last.spawn("tell", tell);
    last.spawn("close", [&] { return parts.close(); });
  };
  co_await join_all("end", std::move(begin));
}

}  // namespace agw::server
