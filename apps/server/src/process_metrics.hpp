// What Prometheus expects every process to tell of itself: process_cpu_seconds_total and its like.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "agw/core/metrics.hpp"

namespace agw::server {

struct process_state {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::size_t threads = 0;
  double start_time = 0;  ///< seconds since the epoch
};

/// Of /proc/self; nothing where that cannot be read.
std::optional<process_state> read_process_state();
/// Open descriptors; nothing where they cannot be counted, as when there is none left.
std::optional<std::size_t> open_descriptors();

/// Series of the process, sampled with each exposition.
void add_process_metrics(metrics& to);

}  // namespace agw::server
