#include "sctp/mtu_probe.hpp"

#include <algorithm>

#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

namespace agw::sctp {

namespace {

// RFC 8899, 5.1.1 and 5.1.2.
constexpr auto probe_timer = std::chrono::seconds(1);
constexpr unsigned max_probes = 3;
constexpr auto raise_timer = std::chrono::seconds(600);
// Several retransmissions of the same data.
constexpr auto black_hole_time = std::chrono::seconds(3);

}  // namespace

mtu_probe::mtu_probe(std::size_t base, std::size_t most) : base_(std::min(base, most)), most_(most), size_(base_) {}

void mtu_probe::start(clock::time_point now) noexcept {
  if (size_ < most_) next_ = now;
}

std::size_t mtu_probe::due(clock::time_point now) noexcept {
  if (next_ > now) return 0;
  if (probes_ == max_probes) {
    probes_ = 0;
    next_ = now + raise_timer;
    return 0;
  }
  ++probes_;
  next_ = now + probe_timer;
  return most_;
}

bool mtu_probe::answered(std::size_t size) noexcept {
  if (size != most_ || grown() || probes_ == 0) return false;
  size_ = most_;
  probes_ = 0;
  next_ = no_deadline;
  return true;
}

bool mtu_probe::unacknowledged(clock::time_point since, clock::time_point now) noexcept {
  if (!grown() || since + black_hole_time > now) return false;
  size_ = base_;
  next_ = now + raise_timer;
  return true;
}

std::vector<std::vector<std::byte>> split(bytes_view packet, std::size_t limit) {
  std::vector<std::vector<std::byte>> out;
  each_chunk(packet, [&](std::uint8_t, bytes_view c) {
    const auto padded = (c.size() + 3) & ~std::size_t{3};
    if (out.empty() || (out.back().size() > common_header_bytes && out.back().size() + padded > limit)) {
      out.emplace_back(packet.begin(), packet.begin() + common_header_bytes);
    }
    out.back().insert(out.back().end(), c.begin(), c.end());
    out.back().resize((out.back().size() + 3) & ~std::size_t{3});
  });
  for (auto& piece : out) seal_checksum(piece);
  return out;
}

}  // namespace agw::sctp
