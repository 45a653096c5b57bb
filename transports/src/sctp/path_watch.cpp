#include "sctp/path_watch.hpp"

#include <algorithm>

#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

namespace agw::sctp {

namespace {

constexpr std::size_t tag_offset = 4;
constexpr std::uint32_t heartbeat_info = 0x00010008;  // the parameter, with four octets of contents

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
  std::vector<std::byte> out(common_header_bytes + chunk_header_bytes + 8);
  std::ranges::copy(header_, out.begin());
  out[common_header_bytes] = std::byte{chunk::heartbeat};
  out[common_header_bytes + 3] = std::byte{chunk_header_bytes + 8};
  put_word(out, common_header_bytes + chunk_header_bytes, heartbeat_info);
  put_word(out, common_header_bytes + chunk_header_bytes + 4, static_cast<std::uint32_t>(now.time_since_epoch().count() / 1'000'000));
  seal_checksum(out);
  return out;
}

deadline path_watch::next_deadline() const noexcept {
  return known_ ? std::min(due(), std::max(heard_, asked_) == heard_ ? no_deadline : heard_ + lost_after_) : no_deadline;
}

}  // namespace agw::sctp
