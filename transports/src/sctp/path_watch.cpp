#include "sctp/path_watch.hpp"

#include <algorithm>

#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

namespace agw::sctp {

namespace {

constexpr std::size_t tag_offset = 4;
// The information parameter: what makes it ours, and the size of the packet, or when it left.
constexpr std::uint32_t heartbeat_info = 1;
constexpr std::uint32_t sized = 0x61677750;
constexpr std::uint32_t timed = 0x61677754;
// Of microseconds in 32 bits; longer ones are not told from those of an earlier turn.
constexpr auto longest_trip = std::chrono::seconds(60);
constexpr std::size_t least_heartbeat_bytes = chunk_header_bytes + 12;
constexpr std::size_t most_heartbeat_bytes = 1120;

bool answers(std::uint32_t what, std::uint8_t type, bytes_view c) noexcept {
  return type == chunk::heartbeat_ack && c.size() >= least_heartbeat_bytes && word_at(c, 4) >> 16 == heartbeat_info && word_at(c, 8) == what;
}
bool answers_ours(std::uint8_t type, bytes_view c) noexcept { return answers(sized, type, c) || answers(timed, type, c); }

std::uint32_t stamp_of(clock::time_point t) noexcept {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch()).count());
}

// What answers our HEARTBEATs, in any chunk of the packet.
bool has_answer(bytes_view packet) {
  bool out = false;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) { out = out || answers_ours(type, c); });
  return out;
}

std::size_t heartbeat_bytes_beside(std::size_t ballast_bytes, std::size_t size) noexcept {
  const auto room = (size & ~std::size_t{3}) - common_header_bytes - least_heartbeat_bytes;
  return least_heartbeat_bytes + room % padded(ballast_bytes);
}

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
  auto out = compose(least_heartbeat_bytes, sized, common_header_bytes + least_heartbeat_bytes);
  seal_checksum(out);
  return out;
}

std::vector<std::byte> path_watch::timing_probe(clock::time_point now) const {
  if (!known_) return {};
  auto out = compose(least_heartbeat_bytes, timed, stamp_of(now));
  seal_checksum(out);
  return out;
}

std::vector<std::byte> path_watch::probe(std::size_t size, bytes_view ballast) const {
  if (!known_) return {};
  size &= ~std::size_t{3};
  auto out = compose(heartbeat_bytes_beside(ballast.size(), size), sized, static_cast<std::uint32_t>(size));
  while (out.size() < size) append_chunk(out, {}, ballast);
  seal_checksum(out);
  return out;
}

std::vector<std::byte> path_watch::compose(std::size_t heartbeat_bytes, std::uint32_t what, std::uint32_t value) const {
  std::vector<std::byte> out(common_header_bytes + heartbeat_bytes);
  std::ranges::copy(header_, out.begin());
  put_word(out, 12, std::uint32_t{chunk::heartbeat} << 24 | static_cast<std::uint32_t>(heartbeat_bytes));
  put_word(out, 16, heartbeat_info << 16 | static_cast<std::uint32_t>(heartbeat_bytes - chunk_header_bytes));
  put_word(out, 20, what);
  put_word(out, 24, value);
  return out;
}

bool fits_probe(std::size_t ballast_bytes, std::size_t size) noexcept {
  const bool fits = common_header_bytes + least_heartbeat_bytes + padded(ballast_bytes) <= size;
  return fits && heartbeat_bytes_beside(ballast_bytes, size) <= most_heartbeat_bytes;
}

std::optional<std::size_t> path_watch::answered(bytes_view packet) {
  std::optional<std::size_t> out;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (answers(sized, type, c)) out = word_at(c, 12);
  });
  return out;
}

std::optional<clock::duration> path_watch::round_trip(bytes_view packet, clock::time_point now) {
  std::optional<clock::duration> out;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (!answers(timed, type, c)) return;
    const clock::duration seen = std::chrono::microseconds(static_cast<std::uint32_t>(stamp_of(now) - word_at(c, 12)));
    if (seen <= longest_trip) out = seen;
  });
  return out;
}

std::vector<std::byte> path_watch::without_answers(bytes_view packet) {
  std::vector<std::byte> out;
  if (!has_answer(packet)) return out;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (!answers_ours(type, c)) append_chunk(out, packet, c);
  });
  return out;
}

bool path_watch::asks(bytes_view packet) noexcept {
  bool out = false;
  each_chunk(packet, [&](std::uint8_t type, bytes_view) { out = out || type == chunk::heartbeat; });
  return out;
}

bool path_watch::answers_other(bytes_view packet) {
  bool out = false;
  each_chunk(packet, [&](std::uint8_t type, bytes_view) { out = out || type == chunk::heartbeat_ack; });
  return out && !has_answer(packet);
}

deadline path_watch::next_deadline() const noexcept {
  return known_ ? std::min(due(), std::max(heard_, asked_) == heard_ ? no_deadline : heard_ + lost_after_) : no_deadline;
}

}  // namespace agw::sctp
