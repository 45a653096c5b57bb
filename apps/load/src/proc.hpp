// What /proc says of a process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace agw::load {

struct process_sample {
  double cpu_seconds = 0;       ///< user and system, of all threads
  std::uint64_t rss_bytes = 0;
  std::uint64_t threads = 0;
};

/// The text of /proc/PID/stat. Nothing where it is none.
std::optional<process_sample> parse_stat(std::string_view text, long ticks_per_second, long page_bytes);

/// Nothing where there is no such process any more.
std::optional<process_sample> sample_process(int pid);

/// "Intel Xeon …, 2 cores, Linux 6.1": for the report.
struct machine_description {
  std::string cpu;
  unsigned cores = 0;
  std::string kernel;
};
machine_description describe_machine();

}  // namespace agw::load
