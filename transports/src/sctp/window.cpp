#include "sctp/window.hpp"

#include <algorithm>

#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

namespace agw::sctp {

namespace {

constexpr std::size_t window_offset = 8;       // in a SACK, behind the cumulative TSN
constexpr std::size_t sack_fixed_bytes = 16;
// A window of less than two packets more is not worth a packet (silly window).
constexpr std::size_t least_step_bytes = 2400;

bool is_sack(std::uint8_t type, bytes_view c) { return type == chunk::sack && c.size() >= sack_fixed_bytes; }

}  // namespace

std::optional<std::size_t> window_announcer::announced(bytes_view packet) {
  std::optional<std::size_t> room;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (is_sack(type, c)) room = word_at(c, window_offset);
  });
  return room;
}

void window_announcer::write(std::span<std::byte> packet, std::size_t window) {
  bool written = false;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (!is_sack(type, c)) return;
    room_ = word_at(c, window_offset);
    told_ = std::min(room_, window);
    sack_.clear();
    if (told_ == room_) return;
    const auto at = static_cast<std::size_t>(c.data() - packet.data());
    put_word(packet, at + window_offset, static_cast<std::uint32_t>(told_));
    append_chunk(sack_, packet, c);
    written = true;
  });
  if (written) seal_checksum(packet);
}

std::vector<std::byte> window_announcer::last() const {
  auto out = sack_;
  if (out.empty()) return out;
  put_word(out, common_header_bytes + window_offset, static_cast<std::uint32_t>(told_));
  seal_checksum(out);
  return out;
}

std::vector<std::byte> window_announcer::update(std::size_t window) {
  window = std::min(window, room_);
  if (!limited() || window < told_ + least_step_bytes) return {};
  told_ = window;
  auto out = last();
  if (told_ == room_) sack_.clear();
  return out;
}

}  // namespace agw::sctp
