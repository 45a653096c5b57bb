// The loops of a program on one thread: which of them runs its next handler is chosen, and time stands still until the test moves it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "agw/core/clock.hpp"
#include "agw/core/shard.hpp"
#include "support/choices.hpp"

namespace agw::test {

/// While it lives, agw::clock shows the time that the test sets. The loops outlive it.
class driven_loops {
 public:
  /// A control loop and the shards of a pool that was made `driven`. With the same seed the order is the same.
  driven_loops(asio::io_context& control, shard_pool& shards, std::uint64_t seed) : choose_(seed) {
    clock::manual_now = clock::now().time_since_epoch().count();
    loops_.push_back(&control);
    for (std::size_t i = 0; i < shards.size(); ++i) loops_.push_back(&shards[i].context());
  }
  ~driven_loops() { clock::manual_now = clock::real_time; }
  driven_loops(const driven_loops&) = delete;
  driven_loops& operator=(const driven_loops&) = delete;

  /// Runs one handler, of a loop that is chosen among those that have one ready. False: none has.
  bool step() {
    const auto from = choose_.below(loops_.size());
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      auto& loop = *loops_[(from + i) % loops_.size()];
      if (loop.stopped()) loop.restart();
      if (loop.poll_one() == 0) continue;
      ++handlers_;
      return true;
    }
    return false;
  }

  /// Runs what is ready, and what that makes ready.
  void settle() {
    while (step()) {
    }
  }

  /// Moves the time on. Timers that have expired are ready then; nothing has run yet.
  void advance(clock::duration by) {
    clock::manual_now += by.count();
    // The timer queue looks at a custom clock only when an earlier timer re-arms it.
    for (auto* loop : loops_) {
      auto wake = std::make_shared<timer>(loop->get_executor(), clock::now() - std::chrono::hours(1));
      wake->async_wait([wake](error_code) {});
    }
  }

  /// How many handlers have run: the measure of work that does not depend on the machine.
  std::uint64_t handlers() const noexcept { return handlers_; }

 private:
  choices choose_;
  std::vector<asio::io_context*> loops_;
  std::uint64_t handlers_ = 0;
};

}  // namespace agw::test
