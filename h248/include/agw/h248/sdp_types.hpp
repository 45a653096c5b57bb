// The typed values of the SDP lines the profile interprets. Each knows its own line: parse() takes what stands behind "a=name:"
// (or "c=", "m="), to_text() gives it back. CHOOSE ("$") may stand for a value the gateway is to choose.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agw::h248 {

// A number that may be left to the gateway.
struct choosable {
  bool choose = false;
  std::uint32_t value = 0;

  static constexpr choosable dollar() noexcept { return {true, 0}; }
  static constexpr choosable of(std::uint32_t n) noexcept { return {false, n}; }
  std::string to_text() const { return choose ? "$" : std::to_string(value); }
  bool operator==(const choosable&) const = default;
};

// c=IN IP4 192.0.2.1, c=IN IP6 $, c=IN $ $. Of the address no more is checked than that it is not plainly of the other family; a TTL behind a
// slash stays in it.
struct sdp_connection {
  bool ip6 = false;
  std::string address;      // "$" = the gateway chooses
  bool any_family = false;  // "IN $ $": of either family

  bool choose() const noexcept { return address == "$"; }
  static std::optional<sdp_connection> parse(std::string_view text);
  std::string to_text() const;
  bool operator==(const sdp_connection&) const = default;
};

// m=application 9 UDP/DTLS/SCTP webrtc-datachannel
struct sdp_media {
  std::string type;
  choosable port;
  std::string protocol;
  std::vector<std::string> formats;

  // Compares without case.
  bool is_protocol(std::string_view name) const noexcept;
  static std::optional<sdp_media> parse(std::string_view text);
  std::string to_text() const;
  bool operator==(const sdp_media&) const = default;
};

// a=setup (RFC 4145): of DTLS on the access side, of TCP on the core side.
enum class setup_role : std::uint8_t { active, passive, actpass, holdconn };
std::optional<setup_role> parse_setup(std::string_view text) noexcept;
std::string_view to_text(setup_role role) noexcept;

// a=fingerprint:sha-256 AB:CD:... (RFC 8122). The hash is in lower case, the value in upper case; "$" = the gateway's own.
struct sdp_fingerprint {
  std::string hash;
  std::string value;

  bool choose() const noexcept { return value == "$"; }
  static std::optional<sdp_fingerprint> parse(std::string_view text);
  std::string to_text() const;
  bool operator==(const sdp_fingerprint&) const = default;
};

// a=candidate (RFC 8839 5.1). `address` may be a host name: is_host_name() tells, such candidates are to be ignored.
struct sdp_candidate {
  std::string foundation;
  std::uint32_t component = 1;
  std::string transport = "UDP";
  std::uint32_t priority = 0;
  std::string address;
  std::uint16_t port = 0;
  std::string type = "host";  // host, srflx, prflx, relay or another word
  std::string related_address;
  std::optional<std::uint16_t> related_port;
  std::string extensions;  // " name value" pairs as they stand, such as "tcptype active"

  bool is_udp() const noexcept;
  bool is_host_name() const noexcept;
  static std::optional<sdp_candidate> parse(std::string_view text);
  std::string to_text() const;
  bool operator==(const sdp_candidate&) const = default;
};

// a=dcmap (RFC 8864 5.1). Label and subprotocol are plain text here, %-escaped in the line.
struct sdp_dcmap {
  choosable id;  // "$": the next DCEP OPEN that matches
  std::string subprotocol;
  std::string label;
  bool has_label = false;  // a label that is absent is not matched, an empty one is
  bool ordered = true;
  std::optional<std::uint32_t> max_retransmits;
  std::optional<std::uint32_t> max_time_ms;
  std::uint16_t priority = 256;

  static std::optional<sdp_dcmap> parse(std::string_view text);
  std::string to_text() const;
  bool operator==(const sdp_dcmap&) const = default;
};

// a=dcsa:<id> <attribute>[:<value>] (RFC 8864 5.2): an attribute of the subprotocol of one data channel.
struct sdp_dcsa {
  choosable id;
  std::string attribute;
  std::string value;

  static std::optional<sdp_dcsa> parse(std::string_view text);
  std::string to_text() const;
  bool operator==(const sdp_dcsa&) const = default;
};

}  // namespace agw::h248
