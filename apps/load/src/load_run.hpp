// A run from the first registration to the last release, on the controller's loop: it drives the crews and keeps the outcome.
#pragma once

#include <memory>
#include <vector>

#include "crew.hpp"
#include "outcome.hpp"

namespace agw::load {

class load_run {
 public:
  /// Outlived by everything that it is given. `gateway_pid`: 0 where it is not known.
  load_run(load_options options, shard& control, mgc& controller, std::vector<std::unique_ptr<crew>>& crews, int gateway_pid);

  /// Plays the scenario. Throws call_failure when no gateway registers; what goes wrong later is in the outcome.
  awaitable<void> play();
  /// Ends what is measured now; the calls are released all the same.
  awaitable<void> interrupt(std::string why);
  const outcome& result() const noexcept { return out_; }

 private:
  template <class F>
  awaitable<void> each(F f);
  awaitable<void> measure();
  awaitable<void> play_step(step s);
  awaitable<void> find_knee();
  awaitable<void> settle();
  awaitable<void> tick();
  awaitable<void> ticker();
  awaitable<void> collect();
  load_counts counts() const;
  process_sample own() const;
  std::optional<process_sample> gateway() const;
  bool stands() const noexcept;

  load_options options_;
  shard& control_;
  mgc& controller_;
  std::vector<std::unique_ptr<crew>>& crews_;
  int gateway_pid_;
  outcome out_;
  crew_latencies latencies_;     // since the last phase began
  crew_latencies last_second_;
  clock::time_point began_ = clock::now();
  clock::time_point last_tick_ = began_;
  load_counts last_counts_;
  std::optional<process_sample> last_gateway_, last_own_;
  bool collecting_ = false;
  event collected_;
};

}  // namespace agw::load
