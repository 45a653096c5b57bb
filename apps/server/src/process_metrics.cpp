#include "process_metrics.hpp"

#include <dirent.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "descriptors.hpp"

namespace agw::server {

namespace {

std::string contents(const char* path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// Seconds since the epoch, of /proc/stat.
double boot_time() {
  std::istringstream in(contents("/proc/stat"));
  std::string word;
  while (in >> word) {
    double seconds = 0;
    if (word == "btime" && in >> seconds) return seconds;
  }
  return 0;
}

}  // namespace

// proc(5): the fields of stat, counted from 1; the second is the name in parentheses, which may hold anything.
std::optional<process_state> read_process_state() {
  const auto text = contents("/proc/self/stat");
  const auto name_ends = text.rfind(')');
  if (name_ends == text.npos) return std::nullopt;
  std::istringstream in(text.substr(name_ends + 1));
  std::string field;
  double user = 0, system = 0, start = 0;
  process_state out;
  for (int i = 3; in >> field && i <= 24; ++i) {
    const auto value = std::strtod(field.c_str(), nullptr);
    if (i == 14) user = value;
    if (i == 15) system = value;
    if (i == 20) out.threads = static_cast<std::size_t>(value);
    if (i == 22) start = value;
    if (i == 23) out.virtual_bytes = static_cast<std::uint64_t>(value);
    if (i == 24) out.resident_bytes = static_cast<std::uint64_t>(value) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  out.cpu_seconds = (user + system) / ticks;
  static const double booted = boot_time();
  out.start_time = booted + start / ticks;
  return out;
}

std::optional<std::size_t> open_descriptors() {
  DIR* const folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return std::nullopt;
  std::size_t entries = 0;
  while (::readdir(folder) != nullptr) ++entries;
  ::closedir(folder);
  return entries > 3 ? entries - 3 : 0;  // ".", "..", and the one that has just been closed
}

void add_process_metrics(metrics& to) {
  auto& cpu = to.counter("process_cpu_seconds_total", "User and system CPU time of the process, in seconds.");
  auto& resident = to.gauge("process_resident_memory_bytes", "Resident memory of the process, in octets.");
  auto& virtual_memory = to.gauge("process_virtual_memory_bytes", "Virtual memory of the process, in octets.");
  auto& threads = to.gauge("process_threads", "Threads of the process.");
  auto& open = to.gauge("process_open_fds", "File descriptors that are open.");
  auto& most = to.gauge("process_max_fds", "File descriptors that may be open.");
  auto& start = to.gauge("process_start_time_seconds", "Start of the process, in seconds since the epoch.");
  to.sample_with([&] {
    const auto limit = descriptor_limit().now;
    most.Set(static_cast<double>(limit));
    open.Set(static_cast<double>(open_descriptors().value_or(limit)));
    const auto now = read_process_state();
    if (!now) return;
    if (const auto more = now->cpu_seconds - cpu.Value(); more > 0) cpu.Increment(more);
    resident.Set(static_cast<double>(now->resident_bytes));
    virtual_memory.Set(static_cast<double>(now->virtual_bytes));
    threads.Set(static_cast<double>(now->threads));
    start.Set(now->start_time);
  });
}

}  // namespace agw::server
