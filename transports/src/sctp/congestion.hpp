// How much may be on its way, and how fast it may leave. usrsctp sends again what is lost, but its own congestion control doubles its window until a
// queue overflows, and creeps for long afterwards. This one models the path instead: the rate at which the peer's acknowledgements say that data
// arrives, and the least round trip. Their product fits into the path without a queue, so a little more than that is enough (the idea of BBR, Cardwell
// et al., ACM Queue 14/5; rate samples as in draft-cheng-iccrg-delivery-rate-estimation).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"

namespace agw::sctp {

/// Packets as they leave and as they come, and `now` in; a window and a rate out. Work for a packet is linear in what it acknowledges for the first
/// time.
class congestion_control {
 public:
  /// `packet_bytes`: of a full packet.
  explicit congestion_control(std::size_t packet_bytes) : packet_bytes_(packet_bytes) {}

  /// A packet leaves. `starved`: there is nothing more to send, so that the rate says nothing about the path.
  void sent(bytes_view packet, clock::time_point now, bool starved);
  /// A packet with data that usrsctp sends again is to wait for its time. False: it is not to be sent, since all of it waits already or left less than a
  /// round trip ago. usrsctp sends the same chunks many times once its timer has expired. `some_wait`: there are packets that wait for their time, which
  /// what never left may be one of.
  bool queue_again(bytes_view packet, bool some_wait, clock::time_point now);
  /// Whether some of it has not arrived since.
  bool missing(bytes_view packet);

  enum class news { none, progress, progress_after_loss };
  /// A packet of the peer's came: whether it acknowledged data, and data had been sent again since the last that did.
  news received(bytes_view packet, clock::time_point now);

  /// Octets of data that may be unacknowledged.
  std::size_t window_bytes() const noexcept;
  /// Octets a second; 0: as fast as can be, nothing is known yet.
  double rate() const noexcept;
  /// Octets that left and are not acknowledged.
  std::size_t in_flight() const noexcept { return in_flight_; }
  /// Zero until the first acknowledgement.
  clock::duration least_round_trip() const noexcept;
  /// Of the last two rounds.
  clock::duration longest_round_trip() const noexcept { return std::max(round_longest_, last_round_longest_); }

 private:
  enum class phase { start, drain, cruise };

  struct record {
    std::uint32_t tsn = 0;
    std::uint32_t bytes = 0;
    clock::time_point sent{};
    // When it left: what had been delivered, when that was known, and when the packet left that was delivered last.
    std::uint64_t delivered = 0;
    clock::time_point delivered_at{};
    clock::time_point delivered_sent{};
    bool starved = false;
    bool again = false;
    bool waits = false;  // to be sent again
    bool arrived = false;
  };
  struct arrival {
    bool any = false;
    record newest;
    clock::duration round_trip = clock::duration::max();
  };

  void stamp(record& r, clock::time_point now);
  record* find(std::uint32_t tsn);
  void sent_again(std::uint32_t tsn, clock::time_point now);
  void take_sack(bytes_view sack, clock::time_point now, arrival& into);
  void arrived(record& r, clock::time_point now, arrival& into);
  void update(const arrival& a, clock::time_point now);
  void take_rate(const arrival& a, clock::time_point now);
  void take_round_trip(clock::duration sample, clock::time_point now);
  void end_round();
  void be_careful();
  void check_start();
  void end_step();
  void cruise(std::size_t step);
  double least_rate(std::size_t packets) const noexcept;
  std::size_t holds(clock::duration round_trip) const noexcept;
  std::size_t product() const noexcept;  // what fits into the path without a queue
  void forget_front();

  static constexpr std::size_t kept_rounds = 10;

  std::size_t packet_bytes_;
  std::vector<record> records_;  // by TSN; those before first_ are done with
  std::size_t first_ = 0;
  bool any_sent_ = false;
  std::uint32_t highest_sent_ = 0;
  std::uint32_t acknowledged_ = 0;
  std::uint32_t highest_reported_ = 0;
  std::size_t in_flight_ = 0;
  std::uint64_t delivered_ = 0;
  clock::time_point delivered_at_{};
  clock::time_point delivered_sent_{};
  bool resent_ = false;

  phase phase_ = phase::start;
  std::uint64_t round_ends_ = 0;  // at so many octets delivered
  std::size_t round_ = 0;
  std::array<double, kept_rounds> rates_{};  // the highest of each round
  double highest_rate_ = 0;
  bool round_counts_ = false;
  double start_rate_ = 0;  // when it last grew by a quarter
  unsigned flat_rounds_ = 0;
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
