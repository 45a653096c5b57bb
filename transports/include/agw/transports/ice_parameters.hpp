// What ICE agents exchange in SDP: credentials and candidates (RFC 8839), and the configuration of ours.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/udp.hpp>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/transports/udp.hpp"

namespace agw::ice {

/// a=ice-ufrag and a=ice-pwd.
struct credentials {
  std::string ufrag;
  std::string pwd;
  bool operator==(const credentials&) const = default;
};

/// Fresh random ones: 8 and 24 characters of ice-char, 48 and 144 bits (RFC 8445, 5.3 asks for 24 and 128).
credentials make_credentials();

/// Whether both have the length and the characters of RFC 8839, 5.4: 4 to 256 and 22 to 256 ice-chars.
bool valid(const credentials& c) noexcept;

enum class candidate_type { host, server_reflexive, peer_reflexive, relayed };

/// One UDP candidate of component 1 (RFC 8839, 5.1).
struct candidate {
  std::string foundation;
  std::uint32_t priority = 0;
  udp::endpoint address;
  candidate_type type = candidate_type::host;
};

/// RFC 8445, 5.1.2.1, for component 1. `local_preference` orders the addresses of one agent.
std::uint32_t candidate_priority(candidate_type type, std::uint16_t local_preference) noexcept;

/// Parses the value of an a=candidate line, what stands behind "candidate:". No value: a well-formed candidate that we cannot use
/// (TCP, another component, a host name such as mDNS's .local). bad_candidate: malformed.
result<std::optional<candidate>> parse_candidate(std::string_view value);

/// The value for an a=candidate line; host candidates only (no raddr).
std::string format_candidate(const candidate& c);

enum class agent_mode {
  lite,  ///< answers checks only, on a socket of the shard; for a gateway with a public address (the default)
  full,  ///< libnice's NiceAgent: checks on its own, for a gateway behind a NAT or lite peers
};

struct config {
  agent_mode mode = agent_mode::lite;
  asio::ip::address local_address;  ///< bound, and the only one that is used
  /// The address in candidates and c= when the gateway is behind a 1:1 NAT. Lite and plain UDP only.
  std::optional<asio::ip::address> advertised_address;
  /// Lite: a passive TCP candidate, too (RFC 6544), for peers whose network blocks UDP. A descriptor and a TCP port for each endpoint.
  bool tcp = false;
  bool use_ice = true;  ///< false: plain UDP, for an SDP without candidates
  /// Full mode: our role, which libnice takes only before it gathers. The offerer controls, and so does the agent whose peer is lite
  /// (RFC 8445, 6.1.1); some agents (Pion) do not resolve the conflict when both sides claim it.
  bool controlling = true;
  /// The path fails with ice:consent after that long without a sign of life on the selected pair (RFC 7675, 5.1). Full mode: libnice has its own 30 s.
  clock::duration consent_timeout = std::chrono::seconds(30);
  std::size_t max_datagram_bytes = 1200;  ///< what fits every path without fragmentation (RFC 8261, 5)
  udp::socket_config socket;
};

/// For our own SDP, complete from the moment of reserve().
struct local_parameters {
  udp::endpoint address;                ///< the default candidate: for c= and m=
  ice::credentials credentials;         ///< empty without ICE
  bool lite = false;                    ///< a=ice-lite
  std::vector<std::string> candidates;  ///< values of the a=candidate lines
};

/// From the peer's SDP. Without a ufrag the peer does not speak ICE: then datagrams go to `address`.
struct remote_parameters {
  ice::credentials credentials;
  bool lite = false;                     ///< the peer's a=ice-lite
  std::vector<std::string> candidates;   ///< values of the a=candidate lines
  std::optional<udp::endpoint> address;  ///< c= and m=; used without ICE
  bool latching = false;                 ///< without ICE: the address is learnt, see endpoint::latch()
};

}  // namespace agw::ice
