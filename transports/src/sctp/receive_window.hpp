// How much a peer is invited to have under way. Browsers' stacks start by doubling what they send each round trip until something is lost, and by
// then a whole window may be in a queue that holds a fraction of it; most of them recover slowly from that. So the window that they are told follows
// what the path has been seen to bring: large enough for its rate and its round trip and a quarter more, never a measure for memory.
#pragma once

#include <cstddef>

#include "agw/core/clock.hpp"

namespace agw::sctp {

/// What arrives and when; the window out. It only grows, and is `most` before a round trip is known: whether a path has become narrower is for the
/// peer's own congestion control to find.
class receive_window {
 public:
  explicit receive_window(std::size_t most_bytes) noexcept : most_(most_bytes) {}

  /// A packet with so many octets that had not come before. True: the round trip is to be measured now.
  [[nodiscard]] bool arrived(std::size_t bytes, clock::time_point now) noexcept;
  /// What was measured. The least counts, until several in turn show that the way has become longer.
  void round_trip(clock::duration seen, clock::time_point now) noexcept;
  std::size_t bytes() const noexcept;

 private:
  bool known() const noexcept { return least_ != clock::duration::zero(); }
  bool asks(std::size_t bytes, clock::time_point now) noexcept;
  void part_passed(clock::duration part) noexcept;

  std::size_t most_;
  std::size_t window_ = 0;
  clock::duration least_{};  // round trip
  std::size_t in_part_ = 0;  // octets
  clock::time_point part_since_{};
  std::size_t since_asked_ = 0;  // octets
  clock::time_point asked_{};
  clock::duration lately_ = clock::duration::max();  // the least of the samples since recent_since_
  unsigned recent_ = 0;
  clock::time_point recent_since_{};
};

}  // namespace agw::sctp
