// The chunks of an SCTP packet, for those who look at packets beside usrsctp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "agw/core/pipe.hpp"

namespace agw::sctp {

inline constexpr std::size_t common_header_bytes = 12;
inline constexpr std::size_t chunk_header_bytes = 4;

// What a chunk takes of the peer's window beside its data, which is what the window counts (RFC 9260, 6.2.1). Receivers that count more (usrsctp: 256)
// would be overrun by many small messages; with 256 a window is used to five sixths.
inline constexpr std::uint32_t chunk_overhead_bytes = 32;

namespace chunk {
inline constexpr std::uint8_t data = 0x00;
inline constexpr std::uint8_t sack = 0x03;
inline constexpr std::uint8_t heartbeat = 0x04;
inline constexpr std::uint8_t heartbeat_ack = 0x05;
inline constexpr std::uint8_t i_data = 0x40;
inline constexpr std::uint8_t forward_tsn = 0xc0;
inline constexpr std::uint8_t i_forward_tsn = 0xc2;
}  // namespace chunk

// A SACK without its reports, and where in it the numbers of gaps and of duplicates stand (RFC 9260, 3.3.4).
inline constexpr std::size_t sack_bytes = 16;
inline constexpr std::size_t counts_offset = 12;

inline bool is_data(std::uint8_t type) noexcept { return type == chunk::data || type == chunk::i_data; }

/// Whether transmission sequence number `a` comes after `b` (RFC 9260, 1.6).
inline bool later_tsn(std::uint32_t a, std::uint32_t b) noexcept { return static_cast<std::int32_t>(a - b) > 0; }

/// Big endian.
inline std::uint32_t word_at(bytes_view at, std::size_t offset) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(at[offset + i]);
  return value;
}

inline void put_word(std::span<std::byte> at, std::size_t offset, std::uint32_t value) noexcept {
  for (std::size_t i = 0; i < 4; ++i) at[offset + i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

/// What an octet count becomes on the wire: chunks end at multiples of four.
inline constexpr std::size_t padded(std::size_t size) noexcept { return (size + 3) & ~std::size_t{3}; }

/// Appends a chunk, padded, to a packet; an empty one gets the common header of `from` first.
inline void append_chunk(std::vector<std::byte>& to, bytes_view from, bytes_view c) {
  if (to.empty()) to.assign(from.begin(), from.begin() + common_header_bytes);
  to.insert(to.end(), c.begin(), c.end());
  to.resize(padded(to.size()));
}

/// f(type, chunk with its header), for each whole chunk; ends at the first that is malformed.
template <class F>
void each_chunk(bytes_view packet, F f) {
  std::size_t at = common_header_bytes;
  while (at + chunk_header_bytes <= packet.size()) {
    const auto type = std::to_integer<std::uint8_t>(packet[at]);
    const std::size_t size = std::to_integer<std::size_t>(packet[at + 2]) << 8 | std::to_integer<std::size_t>(packet[at + 3]);
    if (size < chunk_header_bytes || size > packet.size() - at) return;
    f(type, packet.subspan(at, size));
    at += padded(size);
  }
}

/// f(type, tsn), for each chunk that has room for a transmission sequence number in its first word.
template <class F>
void each_tsn(bytes_view packet, F f) {
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (c.size() >= chunk_header_bytes + 4) f(type, word_at(c, chunk_header_bytes));
  });
}

inline bool has_data(bytes_view packet) {
  bool found = false;
  each_chunk(packet, [&](std::uint8_t type, bytes_view) { found = found || is_data(type); });
  return found;
}

}  // namespace agw::sctp
