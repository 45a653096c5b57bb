// What has left and what of it has arrived. usrsctp finds what is lost by walking through all that is on its way, once for each acknowledgement with a gap
// and once for each packet that it sends again: a window of five megabytes and a thousand losses stop its loop for a tenth of a second. Here a loss is
// what left a quarter of a round trip before something that has arrived (RACK, RFC 8985), also of what left again, and costs what it holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"
#include "sctp/chunks.hpp"
#include "sctp/octet_ring.hpp"

namespace agw::sctp {

/// Packets as they leave and as they come, and `now` in; what arrived and what is lost out. Work for a packet is linear in what it acknowledges for the
/// first time and in what is missing before that.
class scoreboard {
 public:
  struct record {
    std::uint32_t tsn = 0;
    std::uint32_t bytes = 0;
    clock::time_point sent{};
    clock::time_point sent_before{};  // the copy before this one
    std::uint64_t order = 0;  // in which all have left: many leave at one time
    // When it left: what had been delivered, when that was known, and when the packet left that was delivered last.
    std::uint64_t delivered = 0;
    clock::time_point delivered_at{};
    clock::time_point delivered_sent{};
    std::uint64_t kept_at = 0;
    bool starved = false;
    bool again = false;
    bool waits = false;  // to be sent again
    bool arrived = false;
  };
  struct arrival {
    bool any = false;
    bool reordered = false;  ///< it came behind what had left later, or twice: it had left again too early
    record newest;
    clock::duration round_trip = clock::duration::max();
  };

  /// Octets of data in it that had left before and are not known to have arrived. `starved`: there is nothing more to send.
  std::size_t sent(bytes_view packet, clock::time_point now, bool starved);
  arrival received(bytes_view packet, clock::time_point now);

  /// What leaves is kept, so that lost() can give it out; what usrsctp sends again is only what the peer has dropped after it had reported it, or
  /// what its timer takes for lost. Off: usrsctp alone finds what is lost.
  void keep(bool on);
  bool keeps() const noexcept { return keep_; }
  /// Packets of at most `packet_bytes`, but for chunks that are larger, with all that is lost by now, where what is `reordering` younger than something
  /// that has arrived may still come.
  datagram_batch lost(clock::time_point now, clock::duration reordering, std::size_t packet_bytes);
  /// The first that is unacknowledged, whether it is lost or not: its acknowledgement tells of all others. Empty when that has been asked for already.
  datagram_batch first_again();
  /// When lost() has more to say, if nothing arrives.
  deadline next_loss() const noexcept { return next_loss_; }

  /// See congestion_control.
  bool queue_again(bytes_view packet, bool some_wait, clock::duration least_round_trip, clock::time_point now);
  bool missing(bytes_view packet);

  /// Octets that left and have not arrived.
  std::size_t in_flight() const noexcept { return in_flight_; }
  /// Octets and chunks that have arrived behind something that has not.
  std::size_t held_bytes() const noexcept { return held_bytes_; }
  std::size_t held_chunks() const noexcept { return held_chunks_; }
  std::uint64_t delivered() const noexcept { return delivered_; }
  /// The peer has all up to here, once any was sent.
  std::uint32_t acknowledged() const noexcept { return acknowledged_; }
  std::size_t unacknowledged_chunks() const noexcept { return records_.size() - first_; }
  /// What so many chunks are, when they are like those that are unacknowledged.
  std::size_t bytes_of(std::size_t chunks) const noexcept;
  /// When data last left, or arrived.
  clock::time_point last_progress() const noexcept { return last_progress_; }

 private:
  void stamp(record& r, clock::time_point now);
  record* find(std::uint32_t tsn);
  void take_sack(bytes_view sack, clock::time_point now, arrival& into);
  void take_gap(std::uint32_t begin, std::uint32_t end, clock::time_point now, arrival& into);
  void fill_holes(bytes_view sack, std::size_t gaps, clock::time_point now, arrival& into);
  void take_duplicates(bytes_view sack, std::size_t gaps, arrival& into);
  void arrived(record& r, clock::time_point now, arrival& into);
  void hold(const record& r);
  void forget_front();
  void start_again();
  void append(record& r, std::size_t packet_bytes, datagram_batch& to);
  void complete(datagram_batch& to);

  std::vector<record> records_;  // by TSN; those before first_ are done with
  std::size_t first_ = 0;
  bool any_sent_ = false;
  std::uint32_t highest_sent_ = 0;
  std::uint32_t acknowledged_ = 0;
  std::uint32_t highest_reported_ = 0;
  std::size_t in_flight_ = 0, held_bytes_ = 0, held_chunks_ = 0;
  std::uint64_t delivered_ = 0;
  clock::time_point delivered_at_{};
  clock::time_point delivered_sent_{};
  clock::time_point last_progress_{};

  bool keep_ = false;
  octet_ring kept_;
  std::array<std::byte, common_header_bytes> header_{};
  std::vector<std::uint32_t> holes_;  // all that is missing up to covered_
  std::uint32_t covered_ = 0;
  std::uint32_t told_ = 0;  // up to where the last report says what is missing
  std::uint64_t order_ = 0;
  std::uint64_t newest_order_ = 0;  // of what left last of what has arrived
  clock::duration newest_round_trip_{0};
  deadline next_loss_ = no_deadline;
  std::vector<std::byte> packet_;     // that append() fills and complete() gives out
};

}  // namespace agw::sctp
