// The process's signals as sequences that a coroutine waits for.
#pragma once

#include <boost/asio/signal_set.hpp>

#include "agw/core/awaitable.hpp"

namespace agw::server {

/// While it lives, these signals end nothing by themselves: those that nobody waits for yet are kept. Shard-bound.
class signal_sequence {
 public:
  template <class... Numbers>
  explicit signal_sequence(asio::any_io_executor executor, Numbers... numbers) : signals_(std::move(executor), numbers...) {}
  /// The next one's number. One wait at a time; cancel throws operation_aborted.
  awaitable<int> next() { co_return co_await signals_.async_wait(asio::use_awaitable); }

 private:
  asio::signal_set signals_;
};

}  // namespace agw::server
