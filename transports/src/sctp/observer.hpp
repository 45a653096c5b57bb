// What the packets of an association say about its progress: usrsctp has no counter of retransmissions for an association, and its
// users' first complaint is a stall with no timer running (its issues 325, 538, 750), which only the packets show.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"

namespace agw::sctp {

/// Bytes and `now` in, counters out. Reads chunk headers only; what it does not understand it skips.
class packet_observer {
 public:
  void sent(bytes_view packet, clock::time_point now) noexcept;
  void received(bytes_view packet, clock::time_point now) noexcept;

  /// A packet of the peer's that is not taken.
  void refused(clock::time_point now) noexcept {
    ++packets_received_;
    last_received_ = now;
  }

  /// The packet has data that is behind all that received() has seen.
  bool brings_new_data(bytes_view packet) const noexcept;
  /// The packet without such data; empty when nothing else is in it.
  std::vector<std::byte> without_new_data(bytes_view packet) const;

  /// DATA or I-DATA chunks were sent and are not acknowledged.
  bool outstanding() const noexcept { return any_sent_ && highest_sent_ != acknowledged_; }
  /// The peer has all data up to here, once any was sent.
  std::uint32_t acknowledged() const noexcept { return acknowledged_; }
  /// When a data chunk was last sent, first or again, or the cumulative acknowledgement moved on.
  clock::time_point last_activity() const noexcept { return last_activity_; }
  /// While data is outstanding: since when the cumulative acknowledgement has stood still.
  clock::time_point unacknowledged_since() const noexcept { return std::max(last_acknowledged_, outstanding_since_); }
  /// The last of the peer's data, in its order of sending; 0 before any.
  std::uint32_t highest_received() const noexcept { return highest_received_; }
  /// What the peer's last SACK had room for.
  std::uint32_t peer_window() const noexcept { return peer_window_; }
  /// While data is outstanding: since when the peer has been silent.
  clock::time_point silent_since() const noexcept { return std::max(last_received_, outstanding_since_); }
  std::uint64_t retransmitted_chunks() const noexcept { return retransmitted_; }
  std::uint64_t packets_sent() const noexcept { return packets_sent_; }
  std::uint64_t packets_received() const noexcept { return packets_received_; }

 private:
  bool is_new_data(std::uint8_t type, bytes_view chunk) const noexcept;

  bool any_sent_ = false;
  std::uint32_t highest_sent_ = 0;
  std::uint32_t acknowledged_ = 0;
  clock::time_point last_activity_{};
  clock::time_point last_received_{};
  clock::time_point last_acknowledged_{};
  std::uint32_t peer_window_ = 0;
  clock::time_point outstanding_since_{};
  bool any_received_ = false;
  std::uint32_t highest_received_ = 0;
  std::uint64_t retransmitted_ = 0;
  std::uint64_t packets_sent_ = 0;
  std::uint64_t packets_received_ = 0;
};

}  // namespace agw::sctp
