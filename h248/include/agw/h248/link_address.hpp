// Where a peer is, and who it says it is: transport addresses and message identifiers, with their texts.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include <agw/core/awaitable.hpp>
#include <agw/h248/ids.hpp>

namespace agw::h248 {

/// The port of the text encoding, on every transport (H.248.1 9).
inline constexpr std::uint16_t text_port = 2944;

/// SCTP's packets in UDP (RFC 6951), for machines and networks without SCTP: the port of an address is UDP's then, and SCTP's own
/// port is text_port at both ends.
inline constexpr std::uint16_t sctp_over_udp_port = 9899;

enum class transport : std::uint8_t { udp, tcp, sctp, sctp_over_udp };
inline constexpr std::size_t transports = 4;
std::string_view to_text(transport via) noexcept;  // "udp", "tcp", "sctp", "sctp+udp"
constexpr std::uint16_t default_port(transport via) noexcept { return via == transport::sctp_over_udp ? sctp_over_udp_port : text_port; }

/// One end of a link. For TCP the address of the far end of a connection: what came over it is answered over it.
struct peer_address {
  transport via = transport::udp;
  asio::ip::address host{};
  std::uint16_t port = text_port;

  friend bool operator==(const peer_address&, const peer_address&) = default;
  friend bool operator<(const peer_address& a, const peer_address& b) {
    if (a.via != b.via) return a.via < b.via;
    if (a.host != b.host) return a.host < b.host;
    return a.port < b.port;
  }
};

/// "127.0.0.1:2944", "[::1]:2944"; with the transport in front, "tcp:127.0.0.1:2944", unless it is UDP.
std::string to_text(const peer_address& peer);

/// A peer as configuration names it: `[udp:|tcp:|sctp:|sctp+udp:]host[:port]`; host is an IPv4 address, an IPv6 address in brackets, or a
/// domain name. UDP and the transport's default_port() where nothing is said.
struct peer_name {
  transport via = transport::udp;
  std::string host{};  // without brackets
  std::uint16_t port = text_port;
  bool operator==(const peer_name&) const = default;

  static result<peer_name> parse(std::string_view text, transport fallback = transport::udp);  // errc::bad_address
};
std::string to_text(const peer_name& name);

/// An address as it stands, or errc::bad_address for a domain name.
result<peer_address> numeric(const peer_name& name);
/// Those that a socket bound to `local` can send to: from an IPv4 address only IPv4 ones. The order stays.
std::vector<peer_address> reachable_from(const asio::ip::address& local, std::vector<peer_address> all);

/// The IPv4 address that a dual-stack socket shows as a mapped one (RFC 4291, 2.5.5.2); any other address as it is.
asio::ip::address unmapped(asio::ip::address host);
/// The other way: `host` as a socket bound to `local` takes it.
asio::ip::address mapped_for(const asio::ip::address& local, asio::ip::address host);

/// A message identifier that owns its text.
class mid_name {
 public:
  mid_name() = default;
  explicit mid_name(const mid& of) : type_(of.type), text_(of.text), port_(of.port) {}
  /// As it is written in a message: [10.0.0.1]:2944, [2001:db8::1], <mg.example.org>:2944, MTP{1234}, agw/1. errc::bad_mid.
  static result<mid_name> parse(std::string_view text);
  static mid_name of(const peer_address& address);

  /// Valid while this object is there and unchanged.
  operator mid() const noexcept { return {type_, text_, port_}; }
  bool empty() const noexcept { return text_.empty(); }
  friend bool operator==(const mid_name& a, const mid_name& b) { return mid(a) == mid(b); }

 private:
  mid::form type_ = mid::form::device;
  std::string text_;
  std::optional<std::uint16_t> port_;
};

/// In the form that a message has. Without case differences: equal mids have equal texts.
std::string to_text(const mid& id);
/// The peer that a mid points to, for ServiceChangeAddress and MgcIdToTry; nothing for device names and MTP addresses. With SCTP in UDP
/// text_port is SCTP's own port, so that UDP's is sctp_over_udp_port; any other port is UDP's.
std::optional<peer_name> peer_of(const mid& id, transport via);

}  // namespace agw::h248
