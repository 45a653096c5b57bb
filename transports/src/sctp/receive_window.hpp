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

  /// A sample of the round trip. The least counts.
  void round_trip(clock::duration seen) noexcept;
  /// A packet with so many octets that had not come before.
  void arrived(std::size_t bytes, clock::time_point now) noexcept;
  std::size_t bytes() const noexcept;

 private:
  void part_passed(clock::duration part) noexcept;
  void second_passed() noexcept;

  std::size_t most_;
  std::size_t window_ = 0;
  clock::duration least_{};         // round trip
  std::size_t in_part_ = 0;         // octets
  clock::time_point part_since_{};
  std::size_t in_second_ = 0;
  std::size_t best_second_ = 0;
  clock::time_point second_since_{};
};

}  // namespace agw::sctp
