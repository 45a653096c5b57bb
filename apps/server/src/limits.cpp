#include "limits.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include <openssl/x509.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "agw/transports/certificate.hpp"
#include "certificate_watch.hpp"

namespace agw::server {

namespace {

constexpr auto no_limit = std::numeric_limits<std::size_t>::max();

// A WIC's port for each family, and the one of its TCP candidate: UDP and TCP ports are counted apart. The core side may need none. With a shared
// port there is still the TCP port of a core that dials.
std::size_t ports_for_each_call(const server_options& o) {
  if (o.shared_port) return 1;
  std::size_t families = 1;
  for (const auto& i : o.iq.interfaces) {
    if (faces_wics(i.name)) families = std::max(families, i.addresses.bound.size());
  }
  return families;
}

std::size_t ports_there(const server_options& o) { return o.ports.high >= o.ports.low ? std::size_t{o.ports.high} - o.ports.low + 1 : 0; }

// pids.max of our control group, version 2.
std::size_t control_group_limit() {
  std::ifstream own("/proc/self/cgroup");
  for (std::string line; std::getline(own, line);) {
    if (!line.starts_with("0::/")) continue;
    std::ifstream in("/sys/fs/cgroup" + line.substr(3) + "/pids.max");
    std::size_t most = 0;
    if (in >> most) return most;
  }
  return no_limit;
}

std::string date(const ASN1_TIME* when) {
  std::tm broken{};
  char text[32] = "?";
  if (ASN1_TIME_to_tm(when, &broken) == 1) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &broken);
  return text;
}

std::optional<std::string> dates_remark(const std::string& key, const std::string& certificate_file, const std::string& key_file) {
  if (certificate_file.empty()) return std::nullopt;
  const auto loaded = dtls::certificate::load(certificate_file, key_file);
  if (!loaded) return std::nullopt;  // which is an error elsewhere
  const auto* const from = X509_get0_notBefore(loaded->x509());
  if (X509_cmp_current_time(from) > 0) return key + ": " + certificate_file + " is not valid before " + date(from);
  return expiry_remark(key + ": " + certificate_file, loaded->not_after(), wall_clock::now());
}

std::size_t open_descriptors() {
  struct stat s {};
  // Since Linux 6.2 its size is their number.
  if (::stat("/proc/self/fd", &s) == 0 && s.st_size > 0) return static_cast<std::size_t>(s.st_size);
  std::error_code ignored;
  std::size_t count = 0;
  for (auto at = std::filesystem::directory_iterator("/proc/self/fd", ignored); at != std::filesystem::directory_iterator(); at.increment(ignored)) ++count;
  return count;
}

}  // namespace

bool faces_wics(std::string_view interface) noexcept { return interface != "core"; }

std::size_t fitting_contexts(const server_options& o, std::size_t descriptors) {
  const auto by_ports = ports_there(o) / ports_for_each_call(o);
  return std::max<std::size_t>(1, std::min(by_ports, calls_with(o, descriptors)));
}

std::optional<std::string> port_remark(const server_options& o) {
  const auto for_each = ports_for_each_call(o), there = ports_there(o), needed = o.iq.max_contexts * for_each;
  if (needed <= there) return std::nullopt;
  return "limits.contexts = " + std::to_string(o.iq.max_contexts) + " needs " + std::to_string(needed) + (o.shared_port ? " TCP" : " UDP") + " ports, " +
         std::to_string(for_each) + " for each call; [ports] has " + std::to_string(there) + ", which is enough for " + std::to_string(there / for_each) + " calls";
}

thread_limits thread_limit() {
  thread_limits out;
  rlimit limit{};
  out.at_most = no_limit;
  if (::getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) out.at_most = static_cast<std::size_t>(limit.rlim_cur);
  out.at_most = std::min(out.at_most, control_group_limit());
  out.processors = std::max(1u, std::thread::hardware_concurrency());
  return out;
}

std::optional<std::string> thread_remark(const server_options& o, const thread_limits& limits) {
  const std::size_t wanted = o.shards();
  const auto value = "threads = " + std::to_string(wanted);
  // The main thread, the log's, and for SCTP that of timers and usrsctp's own.
  constexpr std::size_t others = 4;
  if (wanted + others > limits.at_most) {
    return value + " needs " + std::to_string(wanted + others) + " threads in all; the system grants " + std::to_string(limits.at_most) +
           " (RLIMIT_NPROC, pids.max)";
  }
  if (wanted > limits.processors) {
    return value + ": the machine has " + std::to_string(limits.processors) + " processors, and more threads than these serve no more calls";
  }
  return std::nullopt;
}

std::optional<std::string> certificate_remark(const server_options& o) {
  const auto dtls = dates_remark("dtls.certificate", o.dtls_certificate, o.dtls_key);
  const auto tls = dates_remark("tls.certificate", o.tls.certificate_file, o.tls.private_key_file);
  if (dtls && tls) return *dtls + "; " + *tls;
  return dtls ? dtls : tls;
}

std::vector<absent_interface> absent_interfaces(const server_options& o, const std::function<bool(const gateway::ip_address&)>& is_here) {
  std::vector<absent_interface> out;
  for (const auto& i : o.iq.interfaces) {
    const auto& bound = i.addresses.bound;
    if (bound.empty() || std::ranges::any_of(bound, is_here)) continue;
    const auto floating = o.floating.find(i.name);
    out.push_back({i.name, bound.front(), floating != o.floating.end() && floating->second});
  }
  return out;
}

std::string to_text(const absent_interface& i) { return "interfaces." + i.name + ".address: " + i.address.to_string() + " is no address of this machine"; }

std::vector<std::string> remarks(const server_options& o) {
  std::vector<std::string> out;
  const std::optional<std::string> all[] = {descriptor_remark(o, descriptor_limit()), port_remark(o), thread_remark(o, thread_limit()), certificate_remark(o)};
  for (const auto& one : all) {
    if (one) out.push_back(*one);
  }
  return out;
}

iq::resource_use scarcity::now() {
  const auto at = clock::now();
  if (at - counted_at_ >= std::chrono::seconds(1) && descriptors_ != no_limit) {
    counted_at_ = at;
    descriptors_taken_ = static_cast<double>(open_descriptors()) / static_cast<double>(std::max<std::size_t>(1, descriptors_));
  }
  const auto ports_taken = ports_.share_leased();
  if (ports_taken >= descriptors_taken_) return {ports_taken, "ports"};
  return {descriptors_taken_, "descriptors"};
}

}  // namespace agw::server
