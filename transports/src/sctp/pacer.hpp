// Packets leave at a rate instead of in bursts: a receiver's socket holds 64 to 208 KB, and a burst of a hundred packets overruns it on an idle link.
#pragma once

#include <algorithm>
#include <cstddef>

#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"

namespace agw::sctp {

/// Packets, a rate and `now` in; packets and a deadline out. Bounded by whoever puts packets in.
class pacer {
 public:
  /// Nothing has waited until `now`, so that there is nothing to make up for. Before a push() to an empty pacer that is open.
  void begin(clock::time_point now) noexcept { due_ = std::max(due_, now - step_); }
  /// What is sent again goes ahead of all else.
  void push(bytes_view packet, bool again) { (again ? urgent_ : others_).push(packet); }
  bool empty() const noexcept { return urgent_.empty() && others_.empty(); }
  /// Octets that wait.
  std::size_t bytes() const noexcept { return urgent_.bytes() + others_.bytes(); }
  /// Whether one may leave now.
  bool open(clock::time_point now) const noexcept;
  /// So many octets leave now: the front (before its pop()), or a packet that need not wait. `rate` is in octets a second, below 1: no limit.
  void charge(std::size_t bytes, clock::time_point now, double rate) noexcept;
  /// The next that waits, valid until pop().
  bytes_view front() const noexcept { return urgent_.empty() ? others_.front() : urgent_.front(); }
  bool front_is_again() const noexcept { return !urgent_.empty(); }
  void pop() { urgent_.empty() ? others_.pop() : urgent_.pop(); }
  /// When the next may leave; no_deadline while none waits.
  deadline next_deadline() const noexcept { return empty() ? no_deadline : due_ + step_ / 2; }
  void clear();

 private:
  class lane {
   public:
    void push(bytes_view packet) { packets_.push(packet), bytes_ += packet.size(); }
    bool empty() const noexcept { return next_ == packets_.size(); }
    std::size_t bytes() const noexcept { return bytes_; }
    bytes_view front() const noexcept { return packets_[next_]; }
    void pop();

   private:
    datagram_batch packets_;
    std::size_t next_ = 0;
    std::size_t bytes_ = 0;
  };

  lane urgent_, others_;
  clock::time_point due_{};
  clock::duration step_{0};  // that packets are put together for
};

}  // namespace agw::sctp
