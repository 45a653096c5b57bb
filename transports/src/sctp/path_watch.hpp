// Whether the peer of an idle association is still there: HEARTBEATs of our own (RFC 9260, 8.3). usrsctp's cost a timer for each association
// in a list that is walked every 10 ms; these cost nothing while the peer sends anything by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"

namespace agw::sctp {

/// Packets and `now` in, packets and deadlines out.
class path_watch {
 public:
  /// `after`: of silence, the first heartbeat; `lost_after`: of silence, and heartbeats unanswered, the peer is gone.
  path_watch(clock::duration after, clock::duration lost_after) : after_(after), lost_after_(lost_after) {}

  /// The association is up.
  void start(clock::time_point now) noexcept { heard_ = asked_ = now; }
  /// A packet that leaves: heartbeats have its ports and verification tag.
  void sent(bytes_view packet) noexcept;
  /// Anything of the peer's.
  void received(clock::time_point now) noexcept { heard_ = now; }

  bool lost(clock::time_point now) const noexcept;
  /// A HEARTBEAT, when one is due.
  std::vector<std::byte> heartbeat(clock::time_point now);
  /// A packet of `size` octets: a HEARTBEAT, with information of what length that takes, and the chunk `ballast` as often as it fits. Empty before
  /// there is a verification tag. fits_probe() holds.
  std::vector<std::byte> probe(std::size_t size, bytes_view ballast) const;
  /// A HEARTBEAT that says when it left. Empty before there is a verification tag.
  std::vector<std::byte> timing_probe(clock::time_point now) const;
  /// How long it has been on its way, where `packet` answers such a one.
  static std::optional<clock::duration> round_trip(bytes_view packet, clock::time_point now);
  /// The size of the packet whose HEARTBEAT is acknowledged in `packet`; nothing when there is no answer to one of ours.
  static std::optional<std::size_t> answered(bytes_view packet);
  /// The packet without the answers to ours; empty when there are none in it, or nothing else. The checksum is not kept. usrsctp 0.9.5 ignores all
  /// that stands in a packet behind a HEARTBEAT-ACK that has not the length of its own, a SACK too; peers put control chunks in any order.
  static std::vector<std::byte> without_answers(bytes_view packet);
  /// There is a HEARTBEAT in it, or the answer to one that is not ours: usrsctp's.
  static bool asks(bytes_view packet) noexcept;
  static bool answers_other(bytes_view packet);
  /// When lost() or heartbeat() may next have something to say.
  deadline next_deadline() const noexcept;

 private:
  deadline due() const noexcept;
  std::vector<std::byte> compose(std::size_t heartbeat_bytes, std::uint32_t what, std::uint32_t value) const;

  const clock::duration after_;
  const clock::duration lost_after_;
  std::byte header_[12] = {};
  bool known_ = false;  // the header
  clock::time_point heard_{};
  clock::time_point asked_{};
};

/// Whether the HEARTBEAT of a probe of `size` octets with chunks of `ballast_bytes` is one that comes back: the answer is as long, and in a packet of the
/// peer's size.
bool fits_probe(std::size_t ballast_bytes, std::size_t size) noexcept;

}  // namespace agw::sctp
