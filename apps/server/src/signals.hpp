// The process's signals as sequences that a coroutine waits for.
#pragma once

#include <initializer_list>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "agw/core/awaitable.hpp"

namespace agw::server {

/// From now on no signal that means something to a server ends the process by itself: SIGHUP, SIGUSR1, SIGUSR2, SIGTERM and SIGINT wait for a
/// signal_sequence, SIGPIPE is ignored, and 0, 1 and 2 are open, so that no socket becomes standard error. For this thread and those that are
/// started after it: call it first.
void hold_signals();

/// These signals, from when it is made on; those that nobody waits for yet are kept, and end nothing by themselves. Shard-bound.
class signal_sequence {
 public:
  template <class... Numbers>
  explicit signal_sequence(loop_executor executor, Numbers... numbers) : signal_sequence(std::move(executor), {numbers...}, 0) {}
  /// The next one's number. One wait at a time; cancel throws operation_aborted.
  awaitable<int> next();

 private:
  signal_sequence(loop_executor executor, std::initializer_list<int> numbers, int);

  asio::posix::stream_descriptor signals_;
};

}  // namespace agw::server
