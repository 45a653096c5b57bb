// DCEP, the Data Channel Establishment Protocol (RFC 8832): its two messages as values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <boost/system/result.hpp>

namespace agw::sctp {

/// How a channel treats loss (RFC 8832, 5.1): retransmit for ever, `parameter` times, or for `parameter` milliseconds.
enum class reliability : std::uint8_t { reliable = 0x00, retransmits = 0x01, lifetime = 0x02 };

/// Of a channel for which no other is given: "normal" (RFC 8831, 6.4).
inline constexpr std::uint16_t default_priority = 256;

/// DATA_CHANNEL_OPEN.
struct dcep_open {
  bool ordered = true;
  reliability policy = reliability::reliable;
  std::uint32_t parameter = 0;  ///< retransmissions or milliseconds; 0 for a reliable channel
  std::uint16_t priority = default_priority;  ///< RFC 8831, 6.4: 128, 256, 512 or 1024
  std::string label;            ///< UTF-8, at most 65 535 octets; may be empty
  std::string protocol;         ///< the subprotocol, "msrp"; at most 65 535 octets; may be empty
};

/// DATA_CHANNEL_ACK.
struct dcep_ack {};

using dcep_message = std::variant<dcep_open, dcep_ack>;

/// Reads one message (payload protocol identifier 50). Octets behind the protocol name are refused, as is a channel type that RFC
/// 8832 does not list. Errors: transport_error::bad_dcep.
boost::system::result<dcep_message> parse_dcep(std::span<const std::byte> bytes);

/// Writes an OPEN; label and protocol are cut at 65 535 octets.
std::vector<std::byte> compose(const dcep_open& open);
std::vector<std::byte> compose(const dcep_ack& ack);

}  // namespace agw::sctp
