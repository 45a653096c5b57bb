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
constexpr clock::duration slack = std::chrono::milliseconds(5);
// A rate is measured over a part of a round trip, in which the peer's burst arrives as fast as the path lets it; not over less than what hides that
// our loop, or the path, held packets up for a moment.
constexpr clock::duration least_part = std::chrono::milliseconds(50);
// A peer that kept the path busy, and brings no more than this part of what it has brought, is held back by the window: the round trip has become
// longer. Or the path has become narrower, where a larger window does little harm.
constexpr double fallen = 0.7;

}  // namespace

void receive_window::round_trip(clock::duration seen) noexcept {
  if (seen > clock::duration::zero()) least_ = least_ == clock::duration::zero() ? seen : std::min(least_, seen);
}

void receive_window::arrived(std::size_t bytes, clock::time_point now) noexcept {
  if (least_ == clock::duration::zero()) return;
  if (const auto part = std::max<clock::duration>(least_ / 3, least_part); now - part_since_ >= part) {
    part_passed(part);
    part_since_ = now;
  }
  if (now - second_since_ >= std::chrono::seconds(1)) {
    second_passed();
    second_since_ = now;
  }
  in_part_ += bytes;
  in_second_ += bytes;
}

// What was counted came within a part from its first packet, however long ago that is.
void receive_window::part_passed(clock::duration part) noexcept {
  const auto trips = std::chrono::duration<double>(least_ + slack) / std::chrono::duration<double>(part);
  window_ = std::max(window_, static_cast<std::size_t>(share * trips * static_cast<double>(std::exchange(in_part_, 0))));
}

void receive_window::second_passed() noexcept {
  const auto brought = std::exchange(in_second_, 0);
  best_second_ = std::max(best_second_, brought);
  if (brought >= bytes() && static_cast<double>(brought) < fallen * static_cast<double>(best_second_)) window_ = bytes() + bytes() / 8;
}

std::size_t receive_window::bytes() const noexcept {
  return least_ == clock::duration::zero() ? most_ : std::min(most_, std::max(window_, first_bytes));
}

}  // namespace agw::sctp
