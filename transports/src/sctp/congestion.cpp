#include "sctp/congestion.hpp"

#include <algorithm>
#include <utility>

#include "sctp/chunks.hpp"

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
constexpr unsigned careful_for = 8;

std::size_t scaled(double rate, clock::duration d) { return static_cast<std::size_t>(rate * duration_cast<seconds_d>(d).count()); }
std::size_t times(double gain, std::size_t bytes) { return static_cast<std::size_t>(gain * static_cast<double>(bytes)); }
double per_second(std::uint64_t bytes, clock::duration d) { return static_cast<double>(bytes) / duration_cast<seconds_d>(d).count(); }

constexpr auto earlier = [](const auto& record, std::uint32_t tsn) { return later_tsn(tsn, record.tsn); };

}  // namespace

void congestion_control::sent(bytes_view packet, clock::time_point now, bool starved) {
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (!is_data(type) || c.size() < chunk_header_bytes + 4) return;
    const auto tsn = word_at(c, chunk_header_bytes);
    if (!any_sent_) {
      any_sent_ = true;
      acknowledged_ = highest_reported_ = highest_sent_ = tsn - 1;
    }
    if (!later_tsn(tsn, highest_sent_)) return sent_again(tsn, now);
    highest_sent_ = tsn;
    if (in_flight_ == 0) delivered_at_ = delivered_sent_ = now;
    record r;
    r.tsn = tsn;
    r.bytes = static_cast<std::uint32_t>(padded(c.size()));
    r.starved = starved;
    stamp(r, now);
    records_.push_back(r);
    in_flight_ += r.bytes;
  });
}

void congestion_control::stamp(record& r, clock::time_point now) {
  r.sent = now;
  r.delivered = delivered_;
  r.delivered_at = delivered_at_;
  r.delivered_sent = delivered_sent_;
  r.waits = false;
}

congestion_control::record* congestion_control::find(std::uint32_t tsn) {
  const auto from = records_.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto r = std::lower_bound(from, records_.end(), tsn, earlier);
  return r == records_.end() || r->tsn != tsn ? nullptr : &*r;
}

void congestion_control::sent_again(std::uint32_t tsn, clock::time_point now) {
  resent_ = true;
  auto* const r = find(tsn);
  if (!r || r->arrived) return;
  lost_in_round_ += r->bytes;
  r->again = true;
  stamp(*r, now);
}

bool congestion_control::queue_again(bytes_view packet, bool some_wait, clock::time_point now) {
  bool any = false;
  each_tsn(packet, [&](std::uint8_t type, std::uint32_t tsn) {
    if (!is_data(type)) return;
    auto* const r = find(tsn);
    // usrsctp has not taken the acknowledgement that was seen here: the peer's next one will be.
    if (!r) any = any || !some_wait || !later_tsn(tsn, acknowledged_);
    if (!r || r->waits || now - r->sent < least_round_trip()) return;
    any = r->waits = true;
    // A peer may drop what it has reported (RFC 9260, 6.2): only what is acknowledged up to there has arrived for good.
    if (!std::exchange(r->arrived, false)) return;
    in_flight_ += r->bytes;
  });
  resent_ = true;
  return any;
}

bool congestion_control::missing(bytes_view packet) {
  bool any = false;
  each_tsn(packet, [&](std::uint8_t type, std::uint32_t tsn) {
    if (!is_data(type)) return;
    const auto* const r = find(tsn);
    any = any || (r && !r->arrived);
  });
  return any;
}

congestion_control::news congestion_control::received(bytes_view packet, clock::time_point now) {
  arrival a;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (type == chunk::sack && c.size() >= 16) take_sack(c, now, a);
  });
  if (!a.any) return news::none;
  update(a, now);
  return std::exchange(resent_, false) ? news::progress_after_loss : news::progress;
}

void congestion_control::take_sack(bytes_view sack, clock::time_point now, arrival& into) {
  const auto cumulative = word_at(sack, 4);
  if (!any_sent_ || later_tsn(cumulative, highest_sent_) || later_tsn(acknowledged_, cumulative)) return;
  acknowledged_ = cumulative;
  while (first_ < records_.size() && !later_tsn(records_[first_].tsn, cumulative)) {
    if (!records_[first_].arrived) arrived(records_[first_], now, into);
    ++first_;
  }
  const std::size_t gaps = std::min<std::size_t>(word_at(sack, 12) >> 16, (sack.size() - 16) / 4);
  for (std::size_t i = 0; i < gaps; ++i) {
    const auto block = word_at(sack, 16 + 4 * i);
    const auto end = cumulative + (block & 0xffff);
    auto begin = cumulative + (block >> 16);
    if (later_tsn(begin, end) || later_tsn(end, highest_sent_) || !later_tsn(end, highest_reported_)) continue;
    // What fills a hole behind that counts when the cumulative acknowledgement passes it.
    if (later_tsn(highest_reported_, begin)) begin = highest_reported_ + 1;
    const auto from = records_.begin() + static_cast<std::ptrdiff_t>(first_);
    auto r = std::lower_bound(from, records_.end(), begin, earlier);
    for (; r != records_.end() && !later_tsn(r->tsn, end); ++r) {
      if (!r->arrived) arrived(*r, now, into);
    }
    highest_reported_ = end;
  }
  if (later_tsn(cumulative, highest_reported_)) highest_reported_ = cumulative;
  forget_front();
}

void congestion_control::forget_front() {
  if (first_ == records_.size()) {
    records_.clear();
    first_ = 0;
    if (records_.capacity() > 64) records_.shrink_to_fit();
  } else if (first_ > 64 && first_ > records_.size() / 2) {
    records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void congestion_control::arrived(record& r, clock::time_point now, arrival& into) {
  r.arrived = true;
  delivered_ += r.bytes;
  in_flight_ -= r.bytes;
  delivered_at_ = now;
  if (!r.again) into.round_trip = std::min(into.round_trip, clock::duration(now - r.sent));
  if (!into.any || r.sent >= into.newest.sent) {
    into.newest = r;
    delivered_sent_ = r.sent;
  }
  into.any = true;
}

void congestion_control::update(const arrival& a, clock::time_point now) {
  if (a.round_trip != clock::duration::max()) take_round_trip(a.round_trip, now);
  take_rate(a, now);
  if (a.newest.delivered >= round_ends_) {
    round_ends_ = delivered_;
    end_round();
  }
  if (in_flight_ <= empty_share * static_cast<double>(product())) {
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
  const auto rate = per_second(delivered_ - a.newest.delivered, took);
  if (a.newest.starved && rate < highest_rate_) return;
  round_counts_ = true;
  auto& best = rates_[round_ % kept_rounds];
  best = std::max(best, rate);
  highest_rate_ = std::max(highest_rate_, rate);
}

void congestion_control::end_round() {
  const auto delivered = delivered_ - delivered_before_;
  delivered_before_ = delivered_;
  const bool many = lost_in_round_ > 3 * packet_bytes_ &&
                    static_cast<double>(lost_in_round_) > lossy * static_cast<double>(delivered + lost_in_round_);
  lost_in_round_ = 0;
  if (careful_rounds_ > 0) {
    // Loss that does not come from us must not keep us here: the way on is a probe, whatever was lost.
    if (--careful_rounds_ == 0) cruise(0);
  } else if (many) {
    be_careful();
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

void congestion_control::be_careful() {
  phase_ = phase::cruise;
  careful_rounds_ = careful_for;
  const auto latest = rates_[round_ % kept_rounds];
  if (latest <= 0) return;
  rates_.fill(0);
  rates_[round_ % kept_rounds] = highest_rate_ = latest;
}

// The start is over when three rounds brought no more, or two and they stood in a queue.
void congestion_control::check_start() {
  if (highest_rate_ >= start_rate_ * start_growth) {
    start_rate_ = highest_rate_;
    flat_rounds_ = 0;
    return;
  }
  const auto least = least_round_trip();
  const bool queued = round_samples_ >= 8 && round_least_ > least + std::clamp<clock::duration>(least / 8, 4ms, 16ms);
  if (++flat_rounds_ >= (queued ? 2 : 3)) phase_ = phase::drain;
}

// What a probe brings shows in the round after it. When there is more room than was known, the next follows at once, and behind the second the search
// begins anew.
void congestion_control::end_step() {
  if (step_ != 1 || highest_rate_ < probed_rate_ * probe_growth) return cruise((step_ + 1) % cycle.size());
  if (++good_probes_ < 2) return cruise(0);
  phase_ = phase::start;
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

std::size_t congestion_control::window_bytes() const noexcept {
  if (phase_ == phase::start) {
    // Where round trips differ, the least of them all is less than what a round takes even without a queue. While the rate grows there is none.
    const bool known = flat_rounds_ == 0 && last_round_least_ != clock::duration::max();
    const auto took = known ? std::max(last_round_least_, least_round_trip()) : least_round_trip();
    return std::max(times(start_window, holds(took)) + 3 * packet_bytes_, first_packets * packet_bytes_);
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
      return start_gain * std::max(highest_rate_, least_rate(first_packets));
    case phase::drain:
      return std::max(drain_gain * highest_rate_, least_rate(least_packets));
    case phase::cruise:
      return std::max((step_ == 1 && emptied_ ? 1 : cycle[step_]) * highest_rate_, least_rate(least_packets));
  }
  return 0;
}

double congestion_control::least_rate(std::size_t packets) const noexcept { return per_second(packets * packet_bytes_, least_round_trip()); }

}  // namespace agw::sctp
