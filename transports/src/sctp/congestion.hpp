// How much may be on its way, and how fast it may leave. usrsctp sends again what is lost, but its own congestion control doubles its window until a
// queue overflows, and creeps for long afterwards. This one models the path instead: the rate at which the peer's acknowledgements say that data
// arrives, and the least round trip. Their product fits into the path without a queue, so a little more than that is enough (the idea of BBR, Cardwell
// et al., ACM Queue 14/5; rate samples as in draft-cheng-iccrg-delivery-rate-estimation).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"
#include "sctp/scoreboard.hpp"

namespace agw::sctp {

/// Packets as they leave and as they come, and `now` in; a window and a rate out. Work for a packet is linear in what it acknowledges for the first
/// time.
class congestion_control {
 public:
  /// `packet_bytes`: of a full packet.
  explicit congestion_control(std::size_t packet_bytes) : packet_bytes_(packet_bytes) {}

  /// Whether lost packets are found and given out here (lost()), or by usrsctp alone: it must, where data is given up after a time or a number of times.
  void recover(bool here) { board_.keep(here); }
  bool recovers() const noexcept { return board_.keeps(); }

  /// A packet leaves. `starved`: there is nothing more to send, so that the rate says nothing about the path.
  void sent(bytes_view packet, clock::time_point now, bool starved);
  /// A packet with data that usrsctp sends again is to wait for its time. False: it is not to be sent, since all of it waits already or left less than a
  /// round trip ago. usrsctp sends the same chunks many times once its timer has expired. `some_wait`: there are packets that wait for their time, which
  /// what never left may be one of.
  bool queue_again(bytes_view packet, bool some_wait, clock::time_point now);
  /// Whether some of it has not arrived since.
  bool missing(bytes_view packet) { return board_.missing(packet); }
  /// Packets that are to leave again, of at most `packet_bytes`. For each packet of the peer's, or several that came together, and at next_repair().
  /// `may_ask`: the peer has room, so that its silence is a loss.
  datagram_batch lost(clock::time_point now, std::size_t packet_bytes, bool may_ask);
  deadline next_repair(bool may_ask) const noexcept;

  enum class news { none, progress, progress_after_loss };
  /// A packet of the peer's came: whether it acknowledged data, and data had been sent again since the last that did.
  news received(bytes_view packet, clock::time_point now);

  /// Octets of data that may be on their way.
  std::size_t window_bytes() const noexcept;
  /// Octets a second; 0: as fast as can be, nothing is known yet.
  double rate() const noexcept;
  /// Octets that left and are not acknowledged.
  std::size_t in_flight() const noexcept { return board_.in_flight(); }
  const scoreboard& board() const noexcept { return board_; }
  /// Zero until the first acknowledgement.
  clock::duration least_round_trip() const noexcept;
  /// Of the last two rounds.
  clock::duration longest_round_trip() const noexcept { return std::max(round_longest_, last_round_longest_); }

 private:
  enum class phase { start, drain, cruise };

  using arrival = scoreboard::arrival;

  void update(const arrival& a, clock::time_point now);
  void take_rate(const arrival& a, clock::time_point now);
  void take_round_trip(clock::duration sample, clock::time_point now);
  void end_round();
  void be_careful(bool was_flood);
  void check_start();
  void end_step();
  void cruise(std::size_t step);
  double least_rate(std::size_t packets) const noexcept;
  std::size_t holds(clock::duration round_trip) const noexcept;
  std::size_t product() const noexcept;  // what fits into the path without a queue
  bool modest() const noexcept;
  clock::duration reordering() const noexcept;

  static constexpr std::size_t kept_rounds = 10;

  std::size_t packet_bytes_;
  scoreboard board_;
  bool resent_ = false;  // by usrsctp
  unsigned asked_ = 0;   // for an acknowledgement, since the last that told of something
  unsigned reordering_quarters_ = 0;  // of a round trip that a packet may be late; 0: the path keeps the order
  unsigned rounds_in_order_ = 0;

  phase phase_ = phase::start;
  std::uint64_t round_ends_ = 0;  // at so many octets delivered
  clock::time_point round_began_{};
  std::size_t round_ = 0;
  std::array<double, kept_rounds> rates_{};  // the highest of each round
  double highest_rate_ = 0;
  bool round_counts_ = false;
  double start_rate_ = 0;  // when it last grew by a quarter
  unsigned flat_rounds_ = 0;
  bool queued_ = false;      // the last round of the start stood in a queue
  double overrun_rate_ = 0;  // at which a start ended with loss
  std::uint64_t lost_in_round_ = 0;
  std::uint64_t delivered_before_ = 0;
  unsigned careful_rounds_ = 0;  // so many more

  std::array<clock::duration, 2> least_{clock::duration::max(), clock::duration::max()};  // of the last seconds, and of those before
  clock::time_point least_since_{};
  clock::duration round_least_ = clock::duration::max();
  clock::duration round_longest_{0}, last_round_longest_{0};
  clock::duration last_round_least_ = clock::duration::max();
  unsigned round_samples_ = 0;

  std::size_t step_ = 0;
  bool emptied_ = false;  // in this step
  double probed_rate_ = 0;
  unsigned good_probes_ = 0;
};

}  // namespace agw::sctp
