// What a run has given, before it is written down.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "counters.hpp"
#include "mgc.hpp"
#include "options.hpp"
#include "proc.hpp"

namespace agw::load {

/// A process at the borders of what was measured.
struct process_story {
  std::optional<process_sample> first;       ///< before the first call
  std::optional<process_sample> begin, end;  ///< of the measurement, what was still on its way included
  std::optional<process_sample> last;        ///< after the last call
  std::optional<process_sample> after_thousand;  ///< of churn: when a thousand calls had ended
};

/// A second of the run.
struct second {
  double at = 0;  ///< s, from the begin of the measurement; negative before it
  load_counts counts;           ///< in it
  double p99_ms = 0;            ///< of messages, or where there are none of set-ups
  double gateway_cpu = 0;       ///< share of a core
  std::uint64_t gateway_rss = 0;
  double own_cpu = 0;
  std::uint64_t own_rss = 0;
};

struct sweep_step {
  double rate = 0;
  double achieved = 0;
  double p50_ms = 0, p99_ms = 0;
  double gateway_cpu = 0;  ///< share of a core
  std::uint64_t lost = 0, failed = 0;
  bool good = false;
};

struct outcome {
  load_options options;
  machine_description machine;
  std::string gateway_name;
  double set_up_seconds = 0;    ///< of the standing calls
  double measured_seconds = 0;  ///< the window
  double drained_seconds = 0;   ///< until all had arrived
  load_counts window;           ///< in the window
  load_counts measured;         ///< until all had arrived
  load_counts total;
  crew_latencies before;        ///< while the standing calls were set up
  crew_latencies latencies;     ///< of what was measured
  process_story gateway, own;
  mgc_counts h248;
  std::vector<second> seconds;
  std::vector<sweep_step> steps;
  std::optional<double> knee;
  std::string interrupted;      ///< why it ended early; empty: it did not

  std::map<std::string, std::uint64_t, std::less<>> causes() const;
  /// Sentences that say why the run was not all right. None: exit status 0.
  std::vector<std::string> faults() const;
};

}  // namespace agw::load
