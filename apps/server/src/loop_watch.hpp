// Whether the loops of the process turn, and how fast: each is asked once a second.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/shard.hpp"

namespace agw::server {

/// Who was asked and who has answered. No I/O. Loop 0 is the control loop.
class loop_health {
 public:
  static constexpr clock::duration patience = std::chrono::seconds(2);

  loop_health(std::vector<std::string> names, clock::time_point now);

  std::size_t size() const noexcept { return loops_.size(); }
  const std::string& name(std::size_t loop) const { return loops_.at(loop).name; }
  /// False: it has not answered the last question yet.
  bool ask(std::size_t loop, clock::time_point now);
  void answered(std::size_t loop, clock::time_point now);
  /// Those whose last turn is longer ago than they have patience for.
  std::vector<std::string> stuck(clock::time_point now) const;

 private:
  struct watched {
    std::string name;
    clock::time_point turned;
    clock::time_point asked{};
    bool waits = false;
  };
  std::vector<watched> loops_;
};

/// Lives on the control loop; what it sends to the shards finds it, or finds that it is gone.
class loop_watch {
 public:
  /// agw_loop_lag_seconds{loop}
  loop_watch(shard_pool& shards, metrics& counted);
  /// Until cancelled.
  awaitable<void> run();
  std::vector<std::string> stuck() const;

 private:
  struct shared;
  shard_pool& shards_;
  std::shared_ptr<shared> shared_;
};

}  // namespace agw::server
