// How a gateway ends: by a signal, with or without letting its calls end by themselves first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"

namespace agw::server {

struct shutdown_config {
  bool graceful = false;             ///< the calls that stand may end by themselves
  clock::duration delay{};           ///< how long they may take; 0: as long as they do
  clock::duration progress = std::chrono::seconds(10);  ///< between two lines of the log that say how far it is
  /// After the last context: the MGC gets the reply to its last Subtract, once more if it was lost, before the last word.
  clock::duration linger = std::chrono::milliseconds(500);
  clock::duration farewell = std::chrono::seconds(2);  ///< for the MGC's answer to ServiceChange Forced
};

/// The parts that an end concerns. Each call may run beside the others; cancel ends it.
class shutdown_parts {
 public:
  virtual ~shutdown_parts() = default;
  /// SIGTERM or SIGINT has come, another one each time.
  virtual awaitable<int> signal() = 0;
  /// From now on no new context is made.
  virtual void drain() = 0;
  virtual std::size_t contexts() const = 0;
  /// Contexts are waited for, and this time more at least: whoever would kill the process meanwhile is told.
  virtual void still_draining(clock::duration) {}
  /// Waits until no context is left: true, or until `by`.
  virtual awaitable<bool> empty(deadline by) = 0;
  /// ServiceChange Graceful. False: the MGC was not told.
  virtual awaitable<bool> tell_graceful(std::uint32_t delay_seconds) = 0;
  /// ServiceChange Forced, the last word to the MGC.
  virtual awaitable<bool> tell_forced(deadline by) = 0;
  /// Ends every context.
  virtual awaitable<void> close() = 0;
};

/// Waits for a signal, then ends the gateway: where the configuration says so, after its calls have ended, the delay is over or a second
/// signal came. The MGC is told Forced first, and contexts close while its answer is under way. Signals after that change nothing.
/// `config` is asked for when the signal comes.
awaitable<void> serve_until_signal(shutdown_parts& parts, std::function<shutdown_config()> config);

}  // namespace agw::server
