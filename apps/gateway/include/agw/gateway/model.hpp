// The gateway's own model: requests about contexts, terminations and streams, and the gateway's answers, as plain values of no
// particular control protocol. H.248 (apps/iq) fills them in; another interface may do so, too.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "agw/core/stream_mode.hpp"

namespace agw::gateway {

using ip_address = boost::asio::ip::address;

/// IPv4 or IPv6.
enum class ip_family : std::uint8_t { ip4, ip6 };
inline ip_family family_of(const ip_address& a) noexcept { return a.is_v6() ? ip_family::ip6 : ip_family::ip4; }

/// The addresses of an interface: one, or one of each family. The first is the default.
struct interface_addresses {
  std::vector<ip_address> bound;       ///< of this machine: sockets are bound to them
  std::vector<ip_address> advertised;  ///< what peers and the controller are told instead, each for the one of its family (1:1 NAT)

  interface_addresses() = default;
  /// One address without NAT.
  interface_addresses(ip_address only) : bound{std::move(only)} {}
};

struct context_id {
  std::uint32_t value = 0;
  auto operator<=>(const context_id&) const = default;
};

/// Numbers a termination within the gateway; its name belongs to the control interface.
struct termination_id {
  std::uint32_t value = 0;
  auto operator<=>(const termination_id&) const = default;
};

/// Streams of equal number on two terminations of a context are interconnected.
struct stream_number {
  std::uint16_t value = 0;
  auto operator<=>(const stream_number&) const = default;
};

/// It governs the user data of components only; layers establish in any mode. loopback is refused before it comes here.
using agw::stream_mode;

/// a=setup (RFC 4145): who opens the TCP connection or the DTLS handshake.
enum class setup_role : std::uint8_t { active, passive, actpass };

/// The layers a controller can hold, order and release one by one.
enum class layer : std::uint8_t { ice, dtls, sctp, channel, tcp, tls };
/// The word of the failure vocabulary: "ice", "dtls" and so on.
std::string_view to_text(layer l) noexcept;
/// The layer that a stage's name stands for; nothing for a subprotocol's stage.
std::optional<layer> layer_of(std::string_view stage) noexcept;

// --- what a stream of a termination is asked to be -------------------------------------------------------------------------

/// An SCTP association over DTLS over ICE/UDP: the deaggregation stream S1 of an access termination.
struct association_local {
  bool ice = true;                           ///< false: plain UDP to the remote address
  std::optional<ip_address> address;         ///< absent: the interface's own
  std::optional<ip_family> family;           ///< of the address when it is absent; absent too: the interface's first
  std::optional<std::uint16_t> port;         ///< absent: one of the configured range
  std::optional<std::string> ice_ufrag;      ///< absent: random
  std::optional<std::string> ice_pwd;
  bool new_ice_credentials = false;          ///< where Remote is known already: an ICE restart by the controller
  std::optional<setup_role> setup;           ///< DTLS: active is the client; absent as actpass
  std::optional<std::string> tls_id;         ///< RFC 8842
  bool choose_tls_id = false;                ///< random; a new one with each new association
  std::optional<std::uint16_t> sctp_port;    ///< absent: the gateway chooses
  std::uint32_t max_message_bytes = 262144;  ///< what we take from the WIC
};

struct association_remote {
  std::optional<ip_address> address;  ///< where plain UDP goes; with ICE only a default candidate
  std::uint16_t port = 0;
  std::string ice_ufrag;
  std::string ice_pwd;
  bool ice_lite = false;                  ///< the peer is lite
  std::vector<std::string> candidates;    ///< values of a=candidate
  std::vector<std::string> fingerprints;  ///< values of a=fingerprint; at least one is needed
  std::string tls_id;                     ///< empty: none
  std::optional<setup_role> setup;
  std::uint16_t sctp_port = 0;
  std::uint32_t max_message_bytes = 65536;  ///< RFC 8841: absent means 64 K
};

struct association_answer {
  ip_address address;
  std::uint16_t port = 0;
  bool ice_lite = false;
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<std::string> candidates;
  std::string fingerprint;
  std::string tls_id;  ///< empty: none was asked for
  std::uint16_t sctp_port = 0;
};

/// One data channel of an association: a component stream of an access termination.
struct channel_local {
  std::optional<std::uint16_t> sid;  ///< a=dcmap with a number; absent: the next in-band OPEN that matches
  std::string subprotocol;           ///< chooses the stage, "msrp" among them
  std::string label;
  bool ordered = true;
  std::optional<std::uint32_t> max_retransmits;
  std::optional<std::uint32_t> max_lifetime_ms;
  std::uint16_t priority = 256;      ///< the share of turns among the association's channels
  std::vector<std::string> path;     ///< a=dcsa path: the gateway's own towards the WIC (aware mode)
};

struct channel_remote {
  std::vector<std::string> path;  ///< the WIC's (aware mode)
};

/// TCP or TLS towards the core: the same stream number on a core termination.
struct bearer_local {
  std::optional<ip_address> address;  ///< as association_local has them
  std::optional<ip_family> family;
  std::optional<std::uint16_t> port;
  bool tls = false;
  bool msrp_aware = false;        ///< TCP/MSRP: the gateway is an MSRP B2BUA; otherwise bytes pass unchanged but for re-chunking
  setup_role setup = setup_role::actpass;
  std::vector<std::string> path;  ///< own MSRP path towards the core (aware mode); "$" was asked when choose_path
  bool choose_path = false;
};

struct bearer_remote {
  ip_address address;
  std::uint16_t port = 0;
  std::optional<setup_role> setup;
  std::vector<std::string> path;
  std::vector<std::string> fingerprints;
  bool tls = false;               ///< by its protocol (m=): chooses between the alternatives of Local
  bool msrp_aware = false;
};

struct bearer_answer {
  ip_address address;
  std::uint16_t port = 0;
  std::vector<std::string> path;
  std::string fingerprint;        ///< of the certificate that we present, with TLS; empty when there is none
};

using stream_local = std::variant<association_local, channel_local, bearer_local>;
using stream_remote = std::variant<association_remote, channel_remote, bearer_remote>;
using stream_answer = std::variant<std::monostate, association_answer, bearer_answer>;

/// "203.0.113.5:4242", "[2001:db8::5]:4242".
std::string to_text(const ip_address& host, std::uint16_t port);

struct address_range {
  ip_address address;
  unsigned prefix_bits = 32;  ///< 0 to 32, with IPv6 to 128
};
struct port_range {
  std::uint16_t first = 0;
  std::uint16_t last = 65535;
};

/// From where packets and connections are taken. A connection from elsewhere is reset, a datagram dropped; both are counted. With
/// ICE the checks identify the peer; the filter is applied before them.
struct source_filter {
  bool by_address = false;
  std::optional<address_range> range;  ///< absent: the remote address
  bool by_port = false;
  std::optional<port_range> ports;     ///< absent: the remote port
};

/// Octets per second of what comes in from the outside, headers of UDP and TCP not counted. At least one rate.
struct traffic_limits {
  std::optional<std::uint64_t> sustained_rate;
  std::optional<std::uint64_t> burst_bytes;   ///< absent: what one second brings
  std::optional<std::uint64_t> peak_rate;
  std::chrono::nanoseconds delay_variation{};  ///< by which packets may come early against the peak rate
};

/// Who opens the SCTP association.
enum class initiation : std::uint8_t { both, out, in };

/// How packets of a stream are treated; absent members mean the gateway's default.
struct stream_settings {
  std::optional<unsigned> dscp;                 ///< 0 to 63, of what is sent
  std::optional<source_filter> filter;          ///< absent: a core stream takes connections from the remote address only
  std::optional<ip_address> source_address;     ///< from where a connection is dialled
  std::optional<std::uint16_t> source_port;
  std::optional<traffic_limits> limits;         ///< absent: no policing
  bool interlinked = false;                     ///< when one side is established, the layers of the other are ordered
  initiation association = initiation::both;
};

/// Learning the remote address from the first packet or connection; again: from one that comes from elsewhere than now.
enum class latching : std::uint8_t { off, latch, relatch };

/// Whether a stream's data may pass between two terminations.
enum class topology : std::uint8_t { bothway, isolate, oneway };

/// What may pass between two terminations: oneway is from `from` to `to` only. Of one stream, or of all that have no rule of their own.
struct topology_rule {
  termination_id from;
  termination_id to;
  topology how = topology::bothway;
  std::optional<stream_number> stream;
};

struct stream_change {
  std::optional<stream_mode> mode;
  std::optional<stream_settings> settings;
  std::optional<stream_local> local;
  /// More descriptions, in descending order of preference. Without keep_alternatives the first of all that can be had is taken;
  /// with it, all that the resources of the taken one serve are kept, and Remote chooses between them. False later: those go.
  std::vector<stream_local> alternatives;
  std::optional<bool> keep_alternatives;
  std::optional<stream_remote> remote;
  std::map<layer, bool> waits_for_order;  ///< true: the layer starts only by order
  bool forget_remote = false;  ///< what stands towards the remote end is released; the stream keeps its own end and waits for a new Remote
  bool remove = false;
};

/// A deaggregation stream and its components.
struct stream_group_config {
  stream_number deaggregation;
  std::vector<stream_number> components;
};

/// Creates a termination, or changes one in place. What is absent stays as it is. A Local for a stream that is there may repeat
/// what the stream has; more than that can change only before Remote is known, or with a Remote that brings up a new association: one with a
/// new transport (ICE credentials; without ICE the address) and other fingerprints, another tls_id, role or SCTP port.
struct termination_change {
  termination_id id;
  std::string name;                                      ///< for log lines
  interface_addresses addresses;                         ///< of the interface the termination stands on
  std::optional<std::vector<stream_group_config>> groups;
  std::map<stream_number, stream_change> streams;
};

/// A description that was taken: its place among `local` (0) and `alternatives` (1 and up), and what was chosen for it.
struct taken_local {
  std::size_t place = 0;
  stream_answer answer;
};

struct termination_answer {
  std::map<stream_number, stream_answer> streams;            ///< of the first description that was taken
  std::map<stream_number, std::vector<taken_local>> taken;   ///< where there was more than one description
  std::vector<stream_number> restarted;                      ///< associations with new ICE credentials or a new tls_id, asked for or not
  std::vector<stream_number> removed;                        ///< streams that are gone with the change, named by it or not
};

struct stream_statistics {
  std::uint64_t octets_sent = 0;      ///< to the outside
  std::uint64_t octets_received = 0;
  std::chrono::milliseconds duration{};
  std::optional<std::uint32_t> srtt_ms;
  std::optional<std::uint64_t> retransmissions;
  std::optional<std::uint64_t> messages_sent;
  std::optional<std::uint64_t> messages_received;
  std::optional<std::uint64_t> chunks_forwarded;
  std::optional<std::uint64_t> chunks_rejected;
  std::optional<std::uint64_t> packets_discarded;  ///< by the source filter, connections among them
  std::string peer;  ///< "203.0.113.5:4242": where the outside is, or was; empty while that is not known, and of channels
};
using termination_statistics = std::map<stream_number, stream_statistics>;

// --- what the gateway reports by itself ------------------------------------------------------------------------------------

struct gateway_event {
  /// candidate: a peer reflexive one was found; latched: the remote address was learnt. Both fill in `address` and `port`.
  enum class kind : std::uint8_t { established, released, failed, candidate, latched };
  kind what = kind::established;
  context_id context;
  termination_id termination;
  stream_number stream;
  std::optional<gateway::layer> layer;  ///< absent: the subprotocol's stage
  std::string stage;   ///< the layer's word, or the name of the subprotocol's stage, "msrp" among them
  std::string cause;   ///< with failed: "<stage>:<reason>"
  std::chrono::microseconds took{};  ///< with established
  ip_address address;
  std::uint16_t port = 0;
  std::optional<std::uint16_t> sid;  ///< with channel events
  std::string label;
  std::string subprotocol;
};

/// Why a change was refused. The control interface has its own codes for these.
enum class refusal_reason : std::uint8_t {
  missing,        ///< something that is needed was not given
  bad_value,      ///< a value that is not understood or not supported
  conflict,       ///< values that contradict each other
  interlinkage,   ///< a stream that has no other end was to be interlinked
  grouping,       ///< stream groups that make no sense
  no_resources,   ///< no port, no memory, a limit
  busy,           ///< a peer does not take what is on its way to it
  unknown,        ///< no such termination or stream
};
struct refusal {
  refusal_reason reason = refusal_reason::bad_value;
  std::string text;
};

}  // namespace agw::gateway
