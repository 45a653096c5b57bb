#include "sctp/congestion.hpp"

#include <algorithm>
#include <utility>

namespace agw::sctp {

namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;
using seconds_d = std::chrono::duration<double>;

constexpr std::size_t first_packets = 10;  // RFC 6928
constexpr std::size_t least_packets = 4;
// What a path is taken to hold at least: so many packets, a quarter of a small socket buffer, unless they take longer than this.
constexpr std::size_t local_packets = 24;
constexpr clock::duration local_time = 25ms;
// So long the least round trip is taken for the path's own: two cycles, of which each empties its queue.
constexpr clock::duration least_kept = 1500ms;
constexpr int least_kept_rounds = 8;

constexpr double start_gain = 2.0;
constexpr double start_window = 1.8;
// While the path holds little, and was never overrun, a round brings twice as much, as in TCP's slow start: a rate of 2 brings 1.6 times, since its first
// half is spent before the acknowledgements of it come. 2.89 is BBR's 2 / ln 2.
constexpr double modest_gain = 2.89;
constexpr double modest_window = 2.2;
constexpr std::size_t modest_bytes = 32 * 1024;
// Once a round stood in a queue (RFC 9406, 4.3), or where doubling has overrun one before.
constexpr double gentle_gain = 1.25;
// Of what arrived at best, so much is left by one round with loss, if most of it arrived.
constexpr double kept_rate = 0.7;
constexpr double drain_gain = 0.6;
// Less than the path holds: so a round trip without a queue is seen in each cycle, and one that was taken for it before is found out.
constexpr double empty_share = 0.9;
constexpr double cruise_window = 2.0;
// After a round with loss: below what arrived of it, which a short queue holds.
constexpr double careful_gain = 0.95;
constexpr double careful_window = 1.1;
constexpr std::array<double, 8> cycle{1.25, 0.75, 1, 1, 1, 1, 1, 1};

constexpr double start_growth = 1.25;
constexpr double probe_growth = 1.1;
constexpr double lossy = 0.02;
constexpr double flooded = 0.4;
constexpr unsigned careful_for = 8;

// RFC 8985, 6.2 and 7: how late a packet may be in a path that reorders, and when an acknowledgement is asked for.
constexpr clock::duration least_reordering = 1ms;
constexpr unsigned most_quarters = 4;
constexpr unsigned in_order_for = 16;
constexpr unsigned most_asked = 3;
constexpr clock::duration ask_slack = 40ms;

std::size_t scaled(double rate, clock::duration d) { return static_cast<std::size_t>(rate * duration_cast<seconds_d>(d).count()); }
std::size_t times(double gain, std::size_t bytes) { return static_cast<std::size_t>(gain * static_cast<double>(bytes)); }
double per_second(std::uint64_t bytes, clock::duration d) { return static_cast<double>(bytes) / duration_cast<seconds_d>(d).count(); }

}  // namespace

void congestion_control::sent(bytes_view packet, clock::time_point now, bool starved) { lost_in_round_ += board_.sent(packet, now, starved); }

bool congestion_control::queue_again(bytes_view packet, bool some_wait, clock::time_point now) {
  resent_ = true;
  return board_.queue_again(packet, some_wait, least_round_trip(), now);
}

congestion_control::news congestion_control::received(bytes_view packet, clock::time_point now) {
  const auto a = board_.received(packet, now);
  if (a.reordered && (rounds_in_order_ > 0 || reordering_quarters_ == 0)) {
    rounds_in_order_ = 0;
    reordering_quarters_ = std::min(reordering_quarters_ + 1, most_quarters);
  }
  if (!a.any) return news::none;
  asked_ = 0;
  update(a, now);
  return std::exchange(resent_, false) ? news::progress_after_loss : news::progress;
}

clock::duration congestion_control::reordering() const noexcept {
  if (reordering_quarters_ == 0 && board_.held_bytes() > 2 * packet_bytes_) return clock::duration::zero();
  return std::max<clock::duration>(std::max(reordering_quarters_, 1U) * least_round_trip() / 4, least_reordering);
}

deadline congestion_control::next_repair(bool may_ask) const noexcept {
  if (!recovers() || board_.unacknowledged_chunks() == 0 || least_round_trip() == clock::duration::zero()) return no_deadline;
  auto ask = no_deadline;
  // usrsctp's timer is soon enough for a single packet, whose acknowledgement a peer may keep back: no wake-up for each message of a chat.
  if (may_ask && asked_ < most_asked && board_.in_flight() > packet_bytes_) {
    ask = board_.last_progress() + (2 * longest_round_trip() + ask_slack) * (1 << asked_);
  }
  return std::min(board_.next_loss(), ask);
}

datagram_batch congestion_control::lost(clock::time_point now, std::size_t packet_bytes, bool may_ask) {
  const bool ask = next_repair(may_ask) <= now && board_.next_loss() > now;
  auto out = board_.lost(now, reordering(), packet_bytes);
  if (!ask || !out.empty()) return out;
  ++asked_;
  return board_.first_again();
}

void congestion_control::update(const arrival& a, clock::time_point now) {
  if (a.round_trip != clock::duration::max()) take_round_trip(a.round_trip, now);
  take_rate(a, now);
  // What left again may have left in vain: then the first copy's arrival says nothing of the time that a round takes.
  if (a.newest.delivered >= round_ends_ && now - round_began_ >= least_round_trip()) {
    round_ends_ = board_.delivered();
    round_began_ = now;
    end_round();
  }
  if (in_flight() <= empty_share * static_cast<double>(product())) {
    if (phase_ == phase::drain) cruise(2);
    emptied_ = true;
  }
}

void congestion_control::take_round_trip(clock::duration sample, clock::time_point now) {
  if (now - least_since_ > std::max(least_kept, least_kept_rounds * least_round_trip())) {
    least_since_ = now;
    least_[1] = least_[0];
    least_[0] = sample;
  }
  least_[0] = std::min(least_[0], sample);
  round_least_ = std::min(round_least_, sample);
  round_longest_ = std::max(round_longest_, sample);
  ++round_samples_;
}

void congestion_control::take_rate(const arrival& a, clock::time_point now) {
  const auto took = std::max(now - a.newest.delivered_at, a.newest.sent - a.newest.delivered_sent);
  if (took <= clock::duration::zero() || clock::duration(took) < least_round_trip()) return;  // acknowledgements that came together
  const auto rate = per_second(board_.delivered() - a.newest.delivered, took);
  if (a.newest.starved && rate < highest_rate_) return;
  round_counts_ = true;
  auto& best = rates_[round_ % kept_rounds];
  best = std::max(best, rate);
  highest_rate_ = std::max(highest_rate_, rate);
}

void congestion_control::end_round() {
  const auto delivered = board_.delivered() - delivered_before_;
  delivered_before_ = board_.delivered();
  if (++rounds_in_order_ % in_order_for == 0) reordering_quarters_ = 0;
  const auto share = static_cast<double>(lost_in_round_) / std::max(static_cast<double>(delivered + lost_in_round_), 1.0);
  const bool many = lost_in_round_ > 3 * packet_bytes_ && share > lossy;
  lost_in_round_ = 0;
  if (careful_rounds_ > 0) {
    // Loss that does not come from us must not keep us here: the way on is a probe, whatever was lost.
    if (--careful_rounds_ == 0) cruise(0);
  } else if (many) {
    be_careful(share > flooded);
  } else if (phase_ == phase::start) {
    check_start();
  } else if (phase_ == phase::cruise) {
    end_step();
  }
  last_round_least_ = std::exchange(round_least_, clock::duration::max());
  last_round_longest_ = std::exchange(round_longest_, clock::duration::zero());
  round_samples_ = 0;
  // What was sent for want of more says nothing against what is known.
  if (!std::exchange(round_counts_, false)) return;
  ++round_;
  rates_[round_ % kept_rounds] = 0;
  highest_rate_ = *std::max_element(rates_.begin(), rates_.end());
}

void congestion_control::be_careful(bool was_flood) {
  if (phase_ == phase::start) overrun_rate_ = highest_rate_;
  phase_ = phase::cruise;
  careful_rounds_ = careful_for;
  const auto latest = std::max(rates_[round_ % kept_rounds], was_flood ? 0 : kept_rate * highest_rate_);
  if (latest <= 0) return;
  rates_.fill(0);
  rates_[round_ % kept_rounds] = highest_rate_ = latest;
}

// The start is over when three rounds brought no more, or two and they stood in a queue.
void congestion_control::check_start() {
  const auto least = least_round_trip();
  const bool stood = round_samples_ >= 8 && round_least_ > least + std::clamp<clock::duration>(least / 8, 4ms, 16ms);
  queued_ = stood && round_samples_ >= 64;
  if (highest_rate_ >= start_rate_ * (queued_ ? probe_growth : start_growth)) {
    start_rate_ = highest_rate_;
    flat_rounds_ = 0;
    return;
  }
  if (++flat_rounds_ >= (stood ? 2 : 3)) phase_ = phase::drain;
}

// What a probe brings shows in the round after it. When there is more room than was known, the next follows at once, and behind the second the search
// begins anew.
void congestion_control::end_step() {
  if (step_ != 1 || highest_rate_ < probed_rate_ * probe_growth) return cruise((step_ + 1) % cycle.size());
  if (highest_rate_ > gentle_gain * overrun_rate_) overrun_rate_ = 0;
  if (++good_probes_ < 2 || (overrun_rate_ > 0 && start_gain * highest_rate_ > overrun_rate_)) return cruise(0);
  phase_ = phase::start;
  queued_ = false;
  start_rate_ = 0;
  flat_rounds_ = 0;
}

void congestion_control::cruise(std::size_t step) {
  phase_ = phase::cruise;
  step_ = step;
  emptied_ = false;
  if (step_ == 0) probed_rate_ = highest_rate_;
  if (step_ > 1) good_probes_ = 0;
}

clock::duration congestion_control::least_round_trip() const noexcept {
  const auto least = std::min(least_[0], least_[1]);
  return least == clock::duration::max() ? clock::duration::zero() : least;
}

// On a local path the least round trip says little: a peer's loop is often busy for longer.
std::size_t congestion_control::product() const noexcept { return holds(least_round_trip()); }

std::size_t congestion_control::holds(clock::duration round_trip) const noexcept {
  return std::max(scaled(highest_rate_, round_trip), std::min(local_packets * packet_bytes_, scaled(highest_rate_, local_time)));
}

bool congestion_control::modest() const noexcept { return overrun_rate_ == 0 && product() < modest_bytes; }

std::size_t congestion_control::window_bytes() const noexcept {
  if (phase_ == phase::start) {
    // Where round trips differ, the least of them all is less than what a round takes even without a queue. While the rate grows there is none.
    const bool known = flat_rounds_ == 0 && last_round_least_ != clock::duration::max();
    const auto took = known ? std::max(last_round_least_, least_round_trip()) : least_round_trip();
    const auto gain = queued_ ? gentle_gain : modest() ? modest_window : start_window;
    return std::max(times(gain, holds(took)) + 3 * packet_bytes_, first_packets * packet_bytes_);
  }
  const bool emptying = careful_rounds_ == 0 && (phase_ == phase::drain || (step_ == 1 && !emptied_));
  if (emptying) return std::max(times(empty_share, product()), least_packets * packet_bytes_);
  const auto gain = careful_rounds_ > 0 ? careful_window : cruise_window;
  return std::max(times(gain, product()) + 3 * packet_bytes_, least_packets * packet_bytes_);
}

double congestion_control::rate() const noexcept {
  if (least_round_trip() == clock::duration::zero()) return 0;
  if (careful_rounds_ > 0) return std::max(careful_gain * highest_rate_, least_rate(least_packets));
  switch (phase_) {
    case phase::start:
      // The first acknowledgements cover a packet or two of the first window.
      return (queued_ ? gentle_gain : modest() ? modest_gain : start_gain) * std::max(highest_rate_, least_rate(first_packets));
    case phase::drain:
      return std::max(drain_gain * highest_rate_, least_rate(least_packets));
    case phase::cruise:
      return std::max((step_ == 1 && emptied_ ? 1 : cycle[step_]) * highest_rate_, least_rate(least_packets));
  }
  return 0;
}

double congestion_control::least_rate(std::size_t packets) const noexcept { return per_second(packets * packet_bytes_, least_round_trip()); }

}  // namespace agw::sctp
