#include "sctp/path_watch.hpp"

#include <algorithm>

#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

namespace agw::sctp {

namespace {

constexpr std::size_t tag_offset = 4;
// The information parameter: what makes it ours, and the size of the packet.
constexpr std::uint32_t heartbeat_info = 0x0001000c;
constexpr std::uint32_t ours = 0x61677750;
constexpr std::size_t heartbeat_bytes = chunk_header_bytes + 12;

}  // namespace

void path_watch::sent(bytes_view packet) noexcept {
  if (packet.size() < common_header_bytes + chunk_header_bytes || word_at(packet, tag_offset) == 0) return;  // INIT has no tag
  std::ranges::copy(packet.first(common_header_bytes), header_);
  known_ = true;
}

// Several within the time that remains: one of them may be lost.
deadline path_watch::due() const noexcept {
  const auto again = std::max<clock::duration>((lost_after_ - after_) / 4, std::chrono::milliseconds(100));
  return asked_ > heard_ ? asked_ + again : heard_ + after_;
}

bool path_watch::lost(clock::time_point now) const noexcept { return asked_ > heard_ && heard_ + lost_after_ <= now; }

std::vector<std::byte> path_watch::heartbeat(clock::time_point now) {
  if (!known_ || due() > now) return {};
  asked_ = now;
  return compose(common_header_bytes + heartbeat_bytes);
}

std::vector<std::byte> path_watch::probe(std::size_t size) const { return known_ ? compose(size & ~std::size_t{3}) : std::vector<std::byte>(); }

std::vector<std::byte> path_watch::compose(std::size_t size) const {
  std::vector<std::byte> out(size);
  std::ranges::copy(header_, out.begin());
  auto at = common_header_bytes;
  put_word(out, at, std::uint32_t{chunk::heartbeat} << 24 | heartbeat_bytes);
  put_word(out, at + 4, heartbeat_info);
  put_word(out, at + 8, ours);
  put_word(out, at + 12, static_cast<std::uint32_t>(size));
  at += heartbeat_bytes;
  if (at < size) put_word(out, at, std::uint32_t{chunk::pad} << 24 | static_cast<std::uint32_t>(size - at));
  seal_checksum(out);
  return out;
}

std::optional<std::size_t> path_watch::answered(bytes_view packet) {
  std::optional<std::size_t> out;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (type != chunk::heartbeat_ack || c.size() != heartbeat_bytes) return;
    if (word_at(c, 4) == heartbeat_info && word_at(c, 8) == ours) out = word_at(c, 12);
  });
  return out;
}

deadline path_watch::next_deadline() const noexcept {
  return known_ ? std::min(due(), std::max(heard_, asked_) == heard_ ? no_deadline : heard_ + lost_after_) : no_deadline;
}

}  // namespace agw::sctp
