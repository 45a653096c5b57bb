#include "sctp/t3_restart.hpp"

#include <algorithm>
#include <iterator>

#include "sctp/chunks.hpp"

namespace agw::sctp {

namespace {

// Well below RTO.Min; each SACK would cost usrsctp's longer way.
constexpr auto interval = std::chrono::milliseconds(50);
constexpr std::uint32_t no_gap = 0x00020001;

bool is_plain_progress(bytes_view c, std::uint32_t acknowledged) {
  return c.size() >= sack_bytes && word_at(c, counts_offset) >> 16 == 0 && later_tsn(word_at(c, chunk_header_bytes), acknowledged);
}

}  // namespace

std::vector<std::byte> t3_restart::rewrite(bytes_view packet, std::uint32_t acknowledged, clock::time_point now) {
  if (now - last_ < interval) return {};
  bool found = false;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) { found = found || (type == chunk::sack && is_plain_progress(c, acknowledged)); });
  if (!found) return {};  // most packets of a peer that sends are data: no copy of these
  std::vector<std::byte> out;
  bool rewritten = false;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    const auto at = std::max(out.size(), common_header_bytes);
    append_chunk(out, packet, c);
    if (rewritten || type != chunk::sack || !is_plain_progress(c, acknowledged)) return;
    std::byte gap[4];
    put_word(gap, 0, no_gap);
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(at + sack_bytes), std::begin(gap), std::end(gap));
    put_word(out, at, word_at(out, at) + sizeof gap);
    put_word(out, at + counts_offset, word_at(out, at + counts_offset) | 1u << 16);
    rewritten = true;
  });
  last_ = now;
  return out;
}

}  // namespace agw::sctp
