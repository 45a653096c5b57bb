#include "sctp/acknowledgements.hpp"

#include <algorithm>
#include <limits>

namespace agw::sctp {

namespace {

constexpr std::size_t room_offset = 8;

// Nothing else is in the packet.
bool is_sack(bytes_view packet) noexcept {
  if (packet.size() < common_header_bytes + sack_bytes) return false;
  const auto head = word_at(packet, common_header_bytes);
  return head >> 24 == chunk::sack && padded(head & 0xffff) == packet.size() - common_header_bytes;
}

std::uint32_t cumulative(bytes_view sack) noexcept { return word_at(sack, common_header_bytes + chunk_header_bytes); }

bool has_reports(std::uint8_t type, bytes_view c) noexcept { return type == chunk::sack && c.size() >= sack_bytes && word_at(c, counts_offset) != 0; }

}  // namespace

sack_thinning::sack_thinning(const datagram_batch& packets, std::size_t kept) : kept_(kept) {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (!is_sack(packets[i])) continue;
    ++count_;
    last_ = cumulative(packets[i]);
  }
}

bool sack_thinning::needed(bytes_view packet) noexcept {
  if (count_ < 2 || !is_sack(packet)) return true;
  const auto which = seen_++;
  if (which + 1 == count_ || later_tsn(cumulative(packet), last_)) return true;
  const bool gaps = word_at(packet, common_header_bytes + counts_offset) >> 16 != 0;
  return gaps && kept_ > 1 && which % ((count_ + kept_ - 1) / kept_) == 0;
}

std::vector<std::byte> without_gaps(bytes_view packet, std::size_t held) {
  std::vector<std::byte> out;
  bool found = false;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) { found = found || has_reports(type, c); });
  if (!found) return out;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (!has_reports(type, c)) return append_chunk(out, packet, c);
    const auto at = std::max(out.size(), common_header_bytes);
    append_chunk(out, packet, c.first(sack_bytes));
    const auto room = std::min<std::size_t>(word_at(c, room_offset) + held, std::numeric_limits<std::uint32_t>::max());
    put_word(out, at, static_cast<std::uint32_t>(word_at(c, 0) & 0xffff0000) | sack_bytes);
    put_word(out, at + room_offset, static_cast<std::uint32_t>(room));
    put_word(out, at + counts_offset, 0);
  });
  return out;
}

}  // namespace agw::sctp
