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
  /// raddr and rport of a candidate of ours that is none of the host's; parse_candidate() does not read them.
  std::optional<udp::endpoint> related;
};

/// RFC 8445, 5.1.2.1, for component 1. `local_preference` orders the addresses of one agent.
std::uint32_t candidate_priority(candidate_type type, std::uint16_t local_preference) noexcept;

/// Parses the value of an a=candidate line, what stands behind "candidate:". No value: a well-formed candidate that we cannot use
/// (TCP, another component, a host name such as mDNS's .local). bad_candidate: malformed.
result<std::optional<candidate>> parse_candidate(std::string_view value);

/// The value for an a=candidate line.
std::string format_candidate(const candidate& c);

class shared_ports;

enum class agent_mode {
  lite,  ///< answers checks only, on a socket of the shard; for a gateway with a public address (the default)
  full,  ///< libnice's NiceAgent: checks on its own, for a gateway behind a NAT or lite peers
};

/// An address of ours: the one that is bound, and the one in candidates and c=, which differs behind a 1:1 NAT.
struct host_address {
  asio::ip::address bound;
  asio::ip::address shown;
};

/// A TURN server (RFC 8656) over UDP, with long-term credentials.
struct turn_server {
  udp::endpoint address;
  std::string user;
  std::string password;
};

struct config {
  agent_mode mode = agent_mode::lite;
  asio::ip::address local_address;  ///< bound; the default candidate is of it
  /// The address in candidates and c= when the gateway is behind a 1:1 NAT.
  std::optional<asio::ip::address> advertised_address;
  /// An address of the family that `local_address` is not of: with ICE, candidates of both are offered. When it cannot be bound, there are
  /// none of it.
  std::optional<host_address> other_family;
  /// Full mode: servers that give the candidates of a gateway behind a NAT, server reflexive ones (RFC 8489) and relayed ones.
  std::optional<udp::endpoint> stun;
  std::optional<turn_server> turn;
  /// A passive TCP candidate, too (RFC 6544), for peers whose network blocks UDP. A descriptor and a TCP port for each endpoint; in full mode
  /// each connection has a UDP socket, too.
  bool tcp = false;
  /// Lite: an endpoint with ICE is on the shared port of its loop and address, if there is one; else, and without ICE, it has a port of its own.
  const shared_ports* shared = nullptr;
  bool use_ice = true;  ///< false: plain UDP, for an SDP without candidates
  /// Full mode: our role, which libnice takes only before it gathers. The offerer controls, and so does the agent whose peer is lite
  /// (RFC 8445, 6.1.1); some agents (Pion) do not resolve the conflict when both sides claim it.
  bool controlling = true;
  /// The path fails with ice:consent after that long without a sign of life on the selected pair (RFC 7675, 5.1). Full mode: libnice has its own 30 s.
  clock::duration consent_timeout = std::chrono::seconds(30);
  std::size_t max_datagram_bytes = 1200;  ///< what fits every path without fragmentation (RFC 8261, 5)
  udp::socket_config socket;
};

/// For our own SDP, complete from the moment of reserve(), or of endpoint::gathered() where servers are asked.
struct local_parameters {
  udp::endpoint address;                ///< the default candidate: for c= and m=
  std::optional<udp::endpoint> other_family;  ///< the same of the other family, where there are candidates of both
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
