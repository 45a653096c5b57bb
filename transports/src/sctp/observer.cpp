#include "sctp/observer.hpp"

#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

namespace agw::sctp {

bool packet_observer::is_new_data(std::uint8_t type, bytes_view c) const noexcept {
  if (!is_data(type) || c.size() < chunk_header_bytes + 4) return false;
  return !any_received_ || later_tsn(word_at(c, chunk_header_bytes), highest_received_);
}

bool packet_observer::brings_new_data(bytes_view packet) const noexcept {
  bool found = false;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (is_new_data(type, c)) found = true;
  });
  return found;
}

std::vector<std::byte> packet_observer::without_new_data(bytes_view packet) const {
  std::vector<std::byte> out;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (!is_new_data(type, c)) append_chunk(out, packet, c);
  });
  seal_checksum(out);
  return out;
}

void packet_observer::sent(bytes_view packet, clock::time_point now) noexcept {
  ++packets_sent_;
  each_tsn(packet, [&](std::uint8_t type, std::uint32_t tsn) {
    // What is abandoned (RFC 3758) counts as sent: the peer acknowledges past it.
    if ((type == chunk::forward_tsn || type == chunk::i_forward_tsn) && any_sent_) last_activity_ = now;
    if (!is_data(type)) return;
    last_activity_ = now;
    if (!outstanding()) outstanding_since_ = now;
    if (!any_sent_) {
      any_sent_ = true;
      acknowledged_ = tsn - 1;
      highest_sent_ = tsn;
    } else if (later_tsn(tsn, highest_sent_)) {
      highest_sent_ = tsn;
    } else {
      ++retransmitted_;
    }
  });
}

void packet_observer::received(bytes_view packet, clock::time_point now) noexcept {
  ++packets_received_;
  last_received_ = now;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (is_new_data(type, c)) {
      any_received_ = true;
      highest_received_ = word_at(c, chunk_header_bytes);
    }
    if (type != chunk::sack || c.size() < chunk_header_bytes + 4) return;
    if (c.size() >= 12) peer_window_ = word_at(c, 8);
    const auto cumulative = word_at(c, chunk_header_bytes);
    if (!any_sent_ || !later_tsn(cumulative, acknowledged_) || later_tsn(cumulative, highest_sent_)) return;
    acknowledged_ = cumulative;
    last_activity_ = last_acknowledged_ = now;
  });
}

}  // namespace agw::sctp
