#include "sctp/receive_window.hpp"

#include <algorithm>
#include <utility>

namespace agw::sctp {

namespace {

// A peer on a slow path is not held back below this, whatever was measured.
constexpr std::size_t first_bytes = 128 << 10;
// Beyond what fills the path: for the queue of its narrowest link, and for a peer that doubles.
constexpr double share = 1.25;
// What peers, drivers and our own loop add to the path's round trip when they are busy.
constexpr clock::duration slack = std::chrono::milliseconds(10);
// A rate is measured over a part of a round trip, in which the peer's burst arrives as fast as the path lets it; not over less than what hides that
// our loop, or the path, held packets up for a moment.
constexpr clock::duration least_part = std::chrono::milliseconds(50);
// When the round trip is measured: a chat needs none, a transfer one now and then.
constexpr std::size_t first_asked_bytes = 4 << 10;
constexpr std::size_t asked_bytes = 64 << 10;
constexpr clock::duration asked_again = std::chrono::seconds(1);
// More than the queue that this window allows can add.
constexpr unsigned longer = 2;
constexpr unsigned recent_samples = 3;
constexpr clock::duration recent_time = std::chrono::seconds(3);

}  // namespace

bool receive_window::asks(std::size_t bytes, clock::time_point now) noexcept {
  since_asked_ += bytes;
  if (since_asked_ < (known() ? asked_bytes : first_asked_bytes) || now - asked_ < asked_again) return false;
  asked_ = now;
  since_asked_ = 0;
  return true;
}

void receive_window::round_trip(clock::duration seen, clock::time_point now) noexcept {
  if (seen <= clock::duration::zero()) return;
  least_ = known() ? std::min(least_, seen) : seen;
  lately_ = std::min(lately_, seen);
  if (++recent_ < recent_samples || now - recent_since_ < recent_time) return;
  if (lately_ > longer * least_ + 2 * slack) least_ = lately_;
  lately_ = clock::duration::max();
  recent_ = 0;
  recent_since_ = now;
}

bool receive_window::arrived(std::size_t bytes, clock::time_point now) noexcept {
  if (known()) {
    if (const auto part = std::max<clock::duration>(least_ / 3, least_part); now - part_since_ >= part) {
      part_passed(part);
      part_since_ = now;
    }
    in_part_ += bytes;
  }
  return asks(bytes, now);
}

// What was counted came within a part from its first packet, however long ago that is.
void receive_window::part_passed(clock::duration part) noexcept {
  const auto trips = std::chrono::duration<double>(least_ + slack) / std::chrono::duration<double>(part);
  window_ = std::max(window_, static_cast<std::size_t>(share * trips * static_cast<double>(std::exchange(in_part_, 0))));
}

std::size_t receive_window::bytes() const noexcept { return known() ? std::min(most_, std::max(window_, first_bytes)) : most_; }

}  // namespace agw::sctp
