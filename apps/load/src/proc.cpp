#include "proc.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

namespace agw::load {

namespace {

std::string read_all(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

}  // namespace

// proc(5): the fields behind the name, which itself may hold blanks and brackets. The first of them is the third of all.
std::optional<process_sample> parse_stat(std::string_view text, long ticks_per_second, long page_bytes) {
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  std::vector<std::string_view> fields;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = text.find_first_not_of(" \n", at);
    if (begin == std::string_view::npos) break;
    const auto end = std::min(text.find_first_of(" \n", begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
    at = end;
  }
  if (fields.size() < 22 || ticks_per_second <= 0) return std::nullopt;
  const auto field = [&fields](std::size_t n) { return number(fields[n - 3]); };
  const auto user = field(14), system = field(15), threads = field(20), pages = field(24);
  if (!user || !system || !threads || !pages) return std::nullopt;
  process_sample out;
  out.cpu_seconds = static_cast<double>(*user + *system) / static_cast<double>(ticks_per_second);
  out.rss_bytes = *pages * static_cast<std::uint64_t>(page_bytes);
  out.threads = *threads;
  return out;
}

std::optional<process_sample> sample_process(int pid) {
  return parse_stat(read_all("/proc/" + std::to_string(pid) + "/stat"), ::sysconf(_SC_CLK_TCK), ::sysconf(_SC_PAGESIZE));
}

machine_description describe_machine() {
  machine_description out;
  out.cores = std::thread::hardware_concurrency();
  const auto cpus = read_all("/proc/cpuinfo");
  if (const auto at = cpus.find("model name"); at != std::string::npos) {
    const auto begin = cpus.find(": ", at);
    out.cpu = begin == std::string::npos ? std::string() : cpus.substr(begin + 2, cpus.find('\n', begin) - begin - 2);
  }
  utsname names{};
  if (::uname(&names) == 0) out.kernel = std::string(names.sysname) + " " + names.release;
  return out;
}

}  // namespace agw::load
