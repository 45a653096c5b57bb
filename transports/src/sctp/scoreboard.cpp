#include "sctp/scoreboard.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "agw/core/give_back.hpp"
#include "sctp/crc32c.hpp"

namespace agw::sctp {

namespace {

// A report that has so many may be cut off: by the size of a packet, or a peer's own limit (20 in libwebrtc).
constexpr std::size_t few_gaps = 16;
constexpr auto earlier = [](const auto& record, std::uint32_t tsn) { return later_tsn(tsn, record.tsn); };

std::uint32_t later_of(std::uint32_t a, std::uint32_t b) { return later_tsn(a, b) ? a : b; }

}  // namespace

std::size_t scoreboard::sent(bytes_view packet, clock::time_point now, bool starved) {
  std::size_t again = 0;
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (!is_data(type) || c.size() < chunk_header_bytes + 4) return;
    last_progress_ = now;
    const auto tsn = word_at(c, chunk_header_bytes);
    if (!any_sent_) {
      any_sent_ = true;
      acknowledged_ = highest_reported_ = covered_ = highest_sent_ = tsn - 1;
    }
    if (!later_tsn(tsn, highest_sent_)) {
      auto* const r = find(tsn);
      if (!r || r->arrived) return;
      again += r->bytes;
      r->again = true;
      stamp(*r, now);
      return;
    }
    highest_sent_ = tsn;
    if (in_flight_ == 0) delivered_at_ = delivered_sent_ = now;
    record r;
    r.tsn = tsn;
    r.bytes = static_cast<std::uint32_t>(padded(c.size()));
    r.starved = starved;
    stamp(r, now);
    if (keep_) {
      constexpr std::array<std::byte, 3> padding{};
      std::ranges::copy(packet.first(common_header_bytes), header_.begin());
      r.kept_at = kept_.push(c);
      kept_.push(bytes_view(padding).first(r.bytes - c.size()));
    }
    records_.push_back(r);
    in_flight_ += r.bytes;
  });
  return again;
}

void scoreboard::stamp(record& r, clock::time_point now) {
  r.sent_before = std::exchange(r.sent, now);
  r.order = ++order_;
  r.delivered = delivered_;
  r.delivered_at = delivered_at_;
  r.delivered_sent = delivered_sent_;
  r.waits = false;
}

scoreboard::record* scoreboard::find(std::uint32_t tsn) {
  if (first_ == records_.size() || later_tsn(records_[first_].tsn, tsn)) return nullptr;
  // TSNs follow each other, but for those that were given up before they left.
  const std::size_t guess = first_ + (tsn - records_[first_].tsn);
  if (guess < records_.size() && records_[guess].tsn == tsn) return &records_[guess];
  const auto r = std::lower_bound(records_.begin() + static_cast<std::ptrdiff_t>(first_), records_.end(), tsn, earlier);
  return r == records_.end() || r->tsn != tsn ? nullptr : &*r;
}

void scoreboard::keep(bool on) {
  keep_ = on;
  if (!on) kept_.clear();
}

scoreboard::arrival scoreboard::received(bytes_view packet, clock::time_point now) {
  arrival out;
  bytes_view last;  // of several in one packet, each of which would cost a walk through what is missing
  each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
    if (type == chunk::sack && c.size() >= sack_bytes) last = c;
  });
  if (!last.empty()) take_sack(last, now, out);
  if (out.any) last_progress_ = now;
  return out;
}

void scoreboard::take_sack(bytes_view sack, clock::time_point now, arrival& into) {
  const auto cumulative = word_at(sack, chunk_header_bytes);
  if (!any_sent_ || cumulative - acknowledged_ > highest_sent_ - acknowledged_) return;
  const auto highest_before = highest_reported_;
  acknowledged_ = cumulative;
  highest_reported_ = later_of(highest_reported_, cumulative);
  covered_ = later_of(covered_, cumulative);
  for (; first_ < records_.size() && !later_tsn(records_[first_].tsn, cumulative); ++first_) {
    auto& r = records_[first_];
    if (r.arrived) {
      held_bytes_ -= r.bytes;
      --held_chunks_;
    } else {
      into.reordered = into.reordered || (!r.again && later_tsn(highest_before, r.tsn));
      arrived(r, now, into);
    }
  }
  const std::size_t gaps = std::min<std::size_t>(word_at(sack, counts_offset) >> 16, (sack.size() - sack_bytes) / 4);
  for (std::size_t i = 0; i < gaps; ++i) {
    const auto block = word_at(sack, sack_bytes + 4 * i);
    take_gap(cumulative + (block >> 16), cumulative + (block & 0xffff), now, into);
  }
  told_ = gaps < few_gaps ? highest_sent_ : cumulative + (word_at(sack, sack_bytes + 4 * (gaps - 1)) & 0xffff);
  fill_holes(sack, gaps, now, into);
  take_duplicates(sack, gaps, into);
  forget_front();
}

// What is reported for the first time. In front of it there may be a hole.
void scoreboard::take_gap(std::uint32_t begin, std::uint32_t end, clock::time_point now, arrival& into) {
  if (later_tsn(begin, end) || later_tsn(end, highest_sent_) || !later_tsn(end, highest_reported_)) return;
  const auto from = later_of(begin, highest_reported_ + 1);
  for (auto tsn = covered_ + 1; later_tsn(from, tsn); ++tsn) holes_.push_back(tsn);
  const auto front = records_.begin() + static_cast<std::ptrdiff_t>(first_);
  for (auto r = std::lower_bound(front, records_.end(), from, earlier); r != records_.end() && !later_tsn(r->tsn, end); ++r) {
    if (r->arrived) continue;
    arrived(*r, now, into);
    hold(*r);
  }
  highest_reported_ = end;
  covered_ = later_of(covered_, end);
}

void scoreboard::fill_holes(bytes_view sack, std::size_t gaps, clock::time_point now, arrival& into) {
  if (holes_.empty()) return;
  std::size_t at = 0;
  const auto filled = [&](std::uint32_t tsn) {
    if (!later_tsn(tsn, acknowledged_)) return true;
    const auto offset = tsn - acknowledged_;
    while (at < gaps && (word_at(sack, sack_bytes + 4 * at) & 0xffff) < offset) ++at;
    if (at == gaps || word_at(sack, sack_bytes + 4 * at) >> 16 > offset) return false;
    auto* const r = find(tsn);
    if (!r || r->arrived) return true;
    into.reordered = into.reordered || !r->again;
    arrived(*r, now, into);
    hold(*r);
    return true;
  };
  std::erase_if(holes_, filled);
}

void scoreboard::take_duplicates(bytes_view sack, std::size_t gaps, arrival& into) {
  const auto offset = sack_bytes + 4 * gaps;
  const std::size_t count = std::min<std::size_t>(word_at(sack, counts_offset) & 0xffff, (sack.size() - offset) / 4);
  into.reordered = into.reordered || count > 0;
}

void scoreboard::arrived(record& r, clock::time_point now, arrival& into) {
  r.arrived = true;
  r.waits = false;  // a copy that does still is not needed
  delivered_ += r.bytes;
  in_flight_ -= r.bytes;
  delivered_at_ = now;
  const clock::duration took = now - r.sent;
  if (!r.again) into.round_trip = std::min(into.round_trip, took);
  if (!into.any || r.sent >= into.newest.sent) {
    into.newest = r;
    delivered_sent_ = r.sent;
  }
  into.any = true;
  // What left again and is reported before it can have come is what had left first, unless that is out of the question by now.
  const bool first_came = r.again && took < newest_round_trip_ / 2 && now - r.sent_before < 2 * newest_round_trip_;
  if (r.order < newest_order_ || first_came) return;
  newest_order_ = r.order;
  newest_round_trip_ = took;
}

void scoreboard::hold(const record& r) {
  held_bytes_ += r.bytes;
  ++held_chunks_;
}

void scoreboard::forget_front() {
  if (first_ == records_.size()) {
    records_.clear();
    first_ = 0;
    if (records_.capacity() > 16) records_.shrink_to_fit();
    give_back(holes_);
    kept_.clear();
    next_loss_ = no_deadline;
    return;
  }
  if (keep_) kept_.drop_before(records_[first_].kept_at);
  if (first_ > 64 && first_ > records_.size() / 2) {
    records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

datagram_batch scoreboard::lost(clock::time_point now, clock::duration reordering, std::size_t packet_bytes) {
  datagram_batch out;
  next_loss_ = no_deadline;
  if (!keep_) return out;
  // What was sent again and has arrived may tell of what left last, too: nothing behind that has been reported yet.
  for (auto* r = find(covered_ + 1); r && r != records_.data() + records_.size() && r->order < newest_order_ && !later_tsn(r->tsn, told_); ++r) {
    covered_ = r->tsn;
    if (!r->arrived) holes_.push_back(r->tsn);
  }
  const auto takes = newest_round_trip_ + reordering;
  for (const auto tsn : holes_) {
    auto* const r = find(tsn);
    if (!r || r->waits || r->arrived || r->order > newest_order_ || later_tsn(tsn, told_)) continue;
    if (r->sent + takes > now) {
      next_loss_ = std::min(next_loss_, deadline(r->sent + takes));
      continue;
    }
    append(*r, packet_bytes, out);
  }
  complete(out);
  return out;
}

datagram_batch scoreboard::first_again() {
  datagram_batch out;
  if (!keep_ || first_ == records_.size() || records_[first_].waits || records_[first_].arrived) return out;
  append(records_[first_], 0, out);
  complete(out);
  return out;
}

void scoreboard::append(record& r, std::size_t packet_bytes, datagram_batch& to) {
  r.waits = true;
  if (packet_.size() + r.bytes > packet_bytes) complete(to);
  if (packet_.empty()) packet_.assign(header_.begin(), header_.end());
  kept_.copy(r.kept_at, r.bytes, packet_);
}

void scoreboard::complete(datagram_batch& to) {
  if (packet_.empty()) return;
  seal_checksum(packet_);
  to.push(packet_);
  packet_.clear();
}

bool scoreboard::queue_again(bytes_view packet, bool some_wait, clock::duration least_round_trip, clock::time_point now) {
  bool any = false;
  each_tsn(packet, [&](std::uint8_t type, std::uint32_t tsn) {
    if (!is_data(type)) return;
    auto* const r = find(tsn);
    // usrsctp has not taken the acknowledgement that was seen here: the peer's next one will be. Or its timer's thread was overtaken by the loop.
    if (!r) any = any || !some_wait || !later_tsn(tsn, highest_sent_);
    if (!r || r->waits || now - r->sent < least_round_trip) return;
    // usrsctp is not told what is behind a gap.
    if (keep_ && r->arrived && tsn != acknowledged_ + 1) return;
    any = r->waits = true;
    // A peer may drop what it has reported (RFC 9260, 6.2): only what is acknowledged up to there has arrived for good.
    if (!r->arrived) return;
    if (keep_) return start_again();
    r->arrived = false;
    in_flight_ += r->bytes;
    held_bytes_ -= r->bytes;
    --held_chunks_;
  });
  return any;
}

std::size_t scoreboard::bytes_of(std::size_t chunks) const noexcept {
  const auto of = unacknowledged_chunks();
  return of == 0 ? std::numeric_limits<std::size_t>::max() : chunks * (in_flight_ + held_bytes_) / of;
}

void scoreboard::start_again() {
  for (auto i = first_; i < records_.size(); ++i) {
    if (std::exchange(records_[i].arrived, false)) in_flight_ += records_[i].bytes;
  }
  held_bytes_ = held_chunks_ = 0;
  holes_.clear();
  highest_reported_ = covered_ = acknowledged_;
}

bool scoreboard::missing(bytes_view packet) {
  bool any = false;
  each_tsn(packet, [&](std::uint8_t type, std::uint32_t tsn) {
    if (!is_data(type)) return;
    const auto* const r = find(tsn);
    any = any || (r ? !r->arrived : later_tsn(tsn, acknowledged_));
  });
  return any;
}

}  // namespace agw::sctp
