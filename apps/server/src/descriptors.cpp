#include "descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

#include "agw/http/server.hpp"
#include "agw/transports/connection_quota.hpp"

namespace agw::server {

namespace {

// Loops, listeners, log and H.248 peers, with room to spare.
constexpr std::size_t for_the_process = 128;
constexpr std::size_t for_each_shard = 4;

std::size_t as_size(rlim_t value) noexcept {
  return value == RLIM_INFINITY ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(value);
}

// In full mode a connection has a UDP socket towards libnice.
std::size_t for_each_tcp_connection(const server_options& o) noexcept { return o.gateway.ice_mode == ice::agent_mode::full ? 2 : 1; }

std::size_t udp_for_each_call(const server_options& o) {
  if (o.shared_port) return 0;
  std::size_t families = 1;
  for (const auto& i : o.iq.interfaces) families = std::max(families, i.addresses.bound.size());
  return families;
}

std::size_t for_each_call(const server_options& o) {
  const auto of_tcp_candidate = o.gateway.ice_tcp ? 1 + ice::own_tcp_connections * for_each_tcp_connection(o) : 0;
  return udp_for_each_call(o) + of_tcp_candidate + 1;
}

std::size_t for_no_call(const server_options& o) {
  const auto of_strangers = o.gateway.ice_tcp ? ice::extra_tcp_connections * for_each_tcp_connection(o) : 0;
  return for_the_process + http::server_config().max_connections + for_each_shard * o.shards() + of_strangers;
}

}  // namespace

std::size_t descriptors_needed(const server_options& o) { return for_no_call(o) + o.iq.max_contexts * for_each_call(o); }

std::size_t calls_with(const server_options& o, std::size_t descriptors) {
  const auto base = for_no_call(o);
  return descriptors > base ? (descriptors - base) / for_each_call(o) : 0;
}

descriptor_limits descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max()};
  return {as_size(limit.rlim_cur), as_size(limit.rlim_max)};
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return descriptor_limit().now;
}

std::optional<std::string> descriptor_remark(const server_options& o, const descriptor_limits& limits) {
  const auto needed = descriptors_needed(o);
  if (needed <= limits.at_most) return std::nullopt;
  return "limits.contexts = " + std::to_string(o.iq.max_contexts) + " needs " + std::to_string(needed) + " file descriptors, " +
         std::to_string(for_each_call(o)) + " for each call; the hard limit (RLIMIT_NOFILE) is " + std::to_string(limits.at_most) +
         ", which is enough for " + std::to_string(calls_with(o, limits.at_most)) + " calls";
}

}  // namespace agw::server
