#include "agw/transports/dcep.hpp"

#include <algorithm>

#include "agw/transports/error.hpp"

namespace agw::sctp {

namespace {

constexpr std::byte ack_type{0x02};
constexpr std::size_t longest_ack_bytes = 4;
constexpr std::byte open_type{0x03};
constexpr std::size_t open_header_bytes = 12;
constexpr std::uint8_t unordered_bit = 0x80;

std::uint32_t read(std::span<const std::byte> from, std::size_t offset, std::size_t size) {
  std::uint32_t value = 0;
  for (const auto octet : from.subspan(offset, size)) value = value << 8 | std::to_integer<std::uint32_t>(octet);
  return value;
}

void append(std::vector<std::byte>& to, std::uint32_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) to.push_back(static_cast<std::byte>(value >> shift));
}

std::string text(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::span<const std::byte> octets(const std::string& s) {
  return std::as_bytes(std::span(s.data(), std::min<std::size_t>(s.size(), 0xffff)));
}

boost::system::result<dcep_message> parse_open(std::span<const std::byte> bytes) {
  if (bytes.size() < open_header_bytes) return make_error_code(transport_error::bad_dcep);
  const auto type = static_cast<std::uint8_t>(bytes[1]);
  const auto policy = static_cast<std::uint8_t>(type & ~unordered_bit);
  if (policy > static_cast<std::uint8_t>(reliability::lifetime)) return make_error_code(transport_error::bad_dcep);
  const std::size_t label_size = read(bytes, 8, 2);
  const std::size_t protocol_size = read(bytes, 10, 2);
  if (bytes.size() != open_header_bytes + label_size + protocol_size) return make_error_code(transport_error::bad_dcep);
  dcep_open open;
  open.ordered = (type & unordered_bit) == 0;
  open.policy = static_cast<reliability>(policy);
  open.priority = static_cast<std::uint16_t>(read(bytes, 2, 2));
  // RFC 8832, 5.1: a reliable channel's parameter is ignored.
  open.parameter = open.policy == reliability::reliable ? 0 : read(bytes, 4, 4);
  open.label = text(bytes.subspan(open_header_bytes, label_size));
  open.protocol = text(bytes.subspan(open_header_bytes + label_size));
  return dcep_message(std::move(open));
}

}  // namespace

boost::system::result<dcep_message> parse_dcep(std::span<const std::byte> bytes) {
  if (bytes.empty()) return make_error_code(transport_error::bad_dcep);
  if (bytes[0] == open_type) return parse_open(bytes);
  // It has no content; Pion pads it to four octets.
  if (bytes[0] == ack_type && bytes.size() <= longest_ack_bytes) return dcep_message(dcep_ack());
  return make_error_code(transport_error::bad_dcep);
}

std::vector<std::byte> compose(const dcep_open& open) {
  const auto label = octets(open.label);
  const auto protocol = octets(open.protocol);
  std::vector<std::byte> out;
  out.reserve(open_header_bytes + label.size() + protocol.size());
  out.push_back(open_type);
  out.push_back(static_cast<std::byte>(static_cast<std::uint8_t>(open.policy) | (open.ordered ? 0 : unordered_bit)));
  append(out, open.priority, 2);
  append(out, open.policy == reliability::reliable ? 0 : open.parameter, 4);
  append(out, static_cast<std::uint32_t>(label.size()), 2);
  append(out, static_cast<std::uint32_t>(protocol.size()), 2);
  out.insert(out.end(), label.begin(), label.end());
  out.insert(out.end(), protocol.begin(), protocol.end());
  return out;
}

std::vector<std::byte> compose(const dcep_ack&) { return std::vector<std::byte>(1, ack_type); }

}  // namespace agw::sctp
