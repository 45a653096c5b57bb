// The calls of one shard, and what the scenarios do with them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "agw/core/shard.hpp"
#include "agw/core/stage.hpp"
#include "agw/core/task_group.hpp"
#include "call.hpp"
#include "counters.hpp"
#include "mgc.hpp"
#include "options.hpp"

namespace agw::load {

/// What all crews share; read-only once they run.
struct crew_services {
  load_options options;
  shard* control = nullptr;  ///< the controller's loop
  mgc* controller = nullptr;
  wic_settings wics;
  asio::ip::address core_address;
  stage_services stages;
};

/// A part of the scenario's time.
struct step {
  clock::time_point start{};
  clock::time_point end{};
  double rate = 0;
  std::uint64_t calls = 0;  ///< end after so many, over all crews; 0: by time
  clock::duration hold{};   ///< of calls that come and go
};

/// Lives on its shard; only counted() may be read from elsewhere. Its waits end early by stop().
class crew {
 public:
  crew(shard& home, const crew_services& shared, std::uint64_t index, std::uint64_t crews);

  shard& home() noexcept { return home_; }
  crew_tally& counted() noexcept { return counted_; }

  /// Sets up `calls` that stand, so many at a time.
  awaitable<void> ramp(std::uint64_t calls, std::size_t at_a_time);
  /// Messages at a rate over the standing calls; see scenario_messages.cpp.
  awaitable<void> play_messages(step s);
  awaitable<void> play_bulk(step s);
  /// Calls that come and go; see scenario_setup.cpp.
  awaitable<void> play_calls(step s);
  awaitable<void> play_idle(step s);
  /// Waits until all that was sent has arrived, or nothing arrives any more.
  awaitable<void> drain();
  awaitable<void> release_all(std::size_t at_a_time);
  void stop();
  bool stopped() const noexcept { return stopped_; }
  /// What was recorded since the last time.
  crew_latencies take_latencies();

  // For calls.
  const crew_services& shared() const noexcept { return shared_; }
  const load_options& options() const noexcept { return shared_.options; }
  awaitable<open_call> open(call_request request);
  awaitable<void> release(std::uint32_t context);
  void on_stage(const stage_event& e);
  void took(std::string_view stage, clock::duration time);
  void set_up_took(clock::duration time) { latencies_.setup.record(time); }
  void message_took(bool up, clock::duration time) { (up ? latencies_.up : latencies_.down).record(time); }
  void failed(std::uint64_t number, const std::string& cause);

 private:
  std::shared_ptr<call> begin_call(clock::time_point intended, clock::duration hold);
  awaitable<void> sleep_until_or_stop(clock::time_point at);
  awaitable<void> workers(std::size_t count, std::function<awaitable<void>()> work);

  shard& home_;
  const crew_services& shared_;
  std::uint64_t index_, crews_;
  std::uint64_t begun_ = 0;
  task_group calls_;
  std::vector<std::shared_ptr<call>> standing_;
  crew_tally counted_;
  crew_latencies latencies_;
  event wake_;  // of sleep_until_or_stop
  bool stopped_ = false;
};

}  // namespace agw::load
