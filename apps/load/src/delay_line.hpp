// Datagrams on their way over a long path: each comes out a fixed time after it went in, in its order. No I/O.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"

namespace agw::load {

class delay_line {
 public:
  /// What is longer on its way than `max_bytes` allows is dropped, as by a full queue.
  explicit delay_line(clock::duration delay, std::size_t max_bytes = 64u << 20) noexcept : delay_(delay), max_bytes_(max_bytes) {}

  /// False: dropped.
  bool push(bytes_view datagram, clock::time_point now) {
    if (bytes_ + datagram.size() > max_bytes_) return false;
    bytes_ += datagram.size();
    line_.push_back(item{now + delay_, std::vector<std::byte>(datagram.begin(), datagram.end())});
    return true;
  }
  /// When the first of them comes out.
  std::optional<clock::time_point> due() const noexcept { return line_.empty() ? std::nullopt : std::optional(line_.front().due); }
  /// Appends all that have come out by now.
  void pop(clock::time_point now, datagram_batch& into) {
    while (!line_.empty() && line_.front().due <= now) {
      bytes_ -= line_.front().bytes.size();
      into.push(line_.front().bytes);
      line_.pop_front();
    }
  }

 private:
  struct item {
    clock::time_point due;
    std::vector<std::byte> bytes;
  };
  clock::duration delay_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::deque<item> line_;
};

}  // namespace agw::load
