// Names of MGCs to addresses, by DNS: SRV and addresses, kept as long as their TTL says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <agw/core/awaitable.hpp>
#include <agw/core/clock.hpp>
#include <agw/h248/link_address.hpp>

namespace agw::h248 {

struct resolver_config {
  std::string servers{};  // "192.0.2.53", "127.0.0.1:5353,[::1]:53"; empty: those of the system, after its file of hosts
  clock::duration server_timeout = std::chrono::seconds(1);  // for a server's answer; then the next one, or the same again
  int tries = 3;
  clock::duration longest_kept = std::chrono::hours(1);  // whatever the TTL says
  std::size_t max_kept = 256;                            // names; beyond, nothing more is kept until some have expired
};

/// Shard-bound. No thread: the sockets of c-ares are waited for on the caller's executor, within the call.
class resolver {
 public:
  explicit resolver(resolver_config config = {});

  struct answer {
    std::vector<peer_address> addresses;
    clock::time_point until{};  // by the least TTL
  };
  /// The addresses of a name, at least one, in the order they are to be tried. An address stands for itself. Where the name has its
  /// transport's default port, _megaco-h248._udp (_tcp, _sctp) of it is looked for first (RFC 2782); without one, or with another port,
  /// its own addresses count. errc::bad_address when there is none. Any number may run at a time. Cancelled, it ends at once.
  awaitable<result<answer>> resolve(peer_name name);

 private:
  resolver_config config_;
  std::map<std::string, answer> kept_;
  std::mt19937 random_;
};

}  // namespace agw::h248
