// How often usrsctp looks at its timers. A look walks a list in which each endpoint has an entry, whatever it does (the secret of its cookies expires in
// an hour), so it costs the more the more calls there are.
#pragma once

#include <algorithm>

#include "agw/core/clock.hpp"

namespace agw::sctp {

/// What a look cost and whether there was work in, times out. Without I/O.
class tick_pace {
 public:
  /// Looks take no more than this share of a core, as far as `slowest` allows.
  static constexpr int share = 100;
  /// A timer may run out early by the time between two looks: RTO.Min less this is above the 200 ms that a peer may delay its SACK.
  static constexpr clock::duration slowest = std::chrono::milliseconds(50);
  /// Without work for so long no timer runs that a later look would harm: what is repeated, is repeated within RTO.Max, two seconds.
  static constexpr clock::duration work_lasts = std::chrono::seconds(5);

  tick_pace(clock::duration tick, clock::duration idle_tick) : tick_(tick), idle_tick_(idle_tick) {}

  /// There are associations again.
  void start(clock::time_point now) noexcept { worked_ = now; }
  /// `worked`: packets with more than HEARTBEATs went in or out since the look before. `cost`: of this look, in CPU time.
  void looked(clock::time_point now, bool worked, clock::duration cost) noexcept {
    if (worked) worked_ = now;
    cost_ += (cost - cost_) / 8;  // one look may find much that is due
  }
  bool idle(clock::time_point now) const noexcept { return now - worked_ > work_lasts; }
  /// How long to wait for the next look. While idle() work ends the wait.
  clock::duration next(clock::time_point now) const noexcept {
    if (idle(now)) return std::max(tick_, idle_tick_);
    return std::max(tick_, std::min(cost_ * share, slowest));
  }

 private:
  const clock::duration tick_;
  const clock::duration idle_tick_;
  clock::time_point worked_{};
  clock::duration cost_{};
};

}  // namespace agw::sctp
