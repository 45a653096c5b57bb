#include "sctp/mtu_probe.hpp"

#include <algorithm>

#include "agw/core/give_back.hpp"
#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"
#include "sctp/path_watch.hpp"

namespace agw::sctp {

namespace {

// RFC 8899, 5.1.1 and 5.1.2.
constexpr auto probe_timer = std::chrono::seconds(1);
constexpr unsigned max_probes = 3;
constexpr auto raise_timer = std::chrono::seconds(600);
// Several retransmissions of the same data.
constexpr auto black_hole_time = std::chrono::seconds(3);
// Smaller chunks would have to be many.
constexpr std::size_t least_ballast_bytes = 200;

}  // namespace

mtu_probe::mtu_probe(std::size_t base, std::size_t most) : base_(std::min(base, most)), most_(most), size_(base_) {}

void mtu_probe::sent(bytes_view packet) {
  if (size_ >= most_ || !ballast_.empty()) return;
  each_chunk(packet, [this](std::uint8_t type, bytes_view c) {
    if (is_data(type) && c.size() >= least_ballast_bytes && fits_probe(c.size(), most_)) ballast_.assign(c.begin(), c.end());
  });
}

void mtu_probe::acknowledged(std::uint32_t cumulative, clock::time_point now) noexcept {
  if (ballast_.empty() || next_ != no_deadline || later_tsn(word_at(ballast_, chunk_header_bytes), cumulative)) return;
  next_ = std::max(raise_, now);
}

std::size_t mtu_probe::due(clock::time_point now) noexcept {
  if (next_ > now) return 0;
  if (probes_ == max_probes) {
    wait(now);
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
  give_back(ballast_);
  next_ = no_deadline;
  return true;
}

bool mtu_probe::unacknowledged(clock::time_point since, clock::time_point now) noexcept {
  if (!grown() || since + black_hole_time > now) return false;
  size_ = base_;
  wait(now);
  return true;
}

// The next probes have data of their own time: numbers come again in the end.
void mtu_probe::wait(clock::time_point now) noexcept {
  probes_ = 0;
  give_back(ballast_);
  raise_ = now + raise_timer;
  next_ = no_deadline;
}

std::vector<std::vector<std::byte>> split(bytes_view packet, std::size_t limit) {
  std::vector<std::vector<std::byte>> out;
  each_chunk(packet, [&](std::uint8_t, bytes_view c) {
    if (out.empty() || out.back().size() + padded(c.size()) > limit) out.emplace_back();
    append_chunk(out.back(), packet, c);
  });
  for (auto& piece : out) seal_checksum(piece);
  return out;
}

}  // namespace agw::sctp
