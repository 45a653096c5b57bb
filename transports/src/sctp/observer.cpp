#include "sctp/observer.hpp"

namespace agw::sctp {

namespace {

constexpr std::size_t common_header_bytes = 12;
constexpr std::size_t chunk_header_bytes = 4;
constexpr std::uint8_t data_chunk = 0x00;
constexpr std::uint8_t sack_chunk = 0x03;
constexpr std::uint8_t i_data_chunk = 0x40;
constexpr std::uint8_t forward_tsn_chunk = 0xc0;
constexpr std::uint8_t i_forward_tsn_chunk = 0xc2;

std::uint32_t word(bytes_view at, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(at[offset + i]);
  return value;
}

// Serial number arithmetic (RFC 9260, 1.6).
bool after(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) > 0; }

// f(type, tsn): for each chunk with a transmission sequence number in its first word.
template <class F>
void each_chunk(bytes_view packet, F f) {
  std::size_t at = common_header_bytes;
  while (at + chunk_header_bytes <= packet.size()) {
    const auto type = std::to_integer<std::uint8_t>(packet[at]);
    const std::size_t size = std::to_integer<std::size_t>(packet[at + 2]) << 8 | std::to_integer<std::size_t>(packet[at + 3]);
    if (size < chunk_header_bytes || size > packet.size() - at) return;
    if (size >= chunk_header_bytes + 4) f(type, word(packet, at + chunk_header_bytes));
    at += (size + 3) & ~std::size_t{3};
  }
}

}  // namespace

void packet_observer::sent(bytes_view packet, clock::time_point now) noexcept {
  ++packets_sent_;
  each_chunk(packet, [&](std::uint8_t type, std::uint32_t tsn) {
    // What is abandoned (RFC 3758) counts as sent: the peer acknowledges past it.
    if ((type == forward_tsn_chunk || type == i_forward_tsn_chunk) && any_sent_) last_activity_ = now;
    if (type != data_chunk && type != i_data_chunk) return;
    last_activity_ = now;
    if (!outstanding()) outstanding_since_ = now;
    if (!any_sent_) {
      any_sent_ = true;
      acknowledged_ = tsn - 1;
      highest_sent_ = tsn;
    } else if (after(tsn, highest_sent_)) {
      highest_sent_ = tsn;
    } else {
      ++retransmitted_;
    }
  });
}

void packet_observer::received(bytes_view packet, clock::time_point now) noexcept {
  ++packets_received_;
  last_received_ = now;
  if (!any_sent_) return;
  each_chunk(packet, [&](std::uint8_t type, std::uint32_t cumulative) {
    if (type != sack_chunk || !after(cumulative, acknowledged_) || after(cumulative, highest_sent_)) return;
    acknowledged_ = cumulative;
    last_activity_ = now;
  });
}

}  // namespace agw::sctp
