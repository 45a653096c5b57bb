// usrsctp sends a chunk again only when it is older than the round trip that was measured, whatever RTO.Max allows. Its first sample is the set-up,
// with INITs that the peer was not ready for: then what is lost in the first seconds is missed for up to three times RTO.Max. So the round trip is
// measured by HEARTBEATs until usrsctp's own has come near what they show.
#pragma once

#include <chrono>

#include "agw/core/clock.hpp"

namespace agw::sctp {

/// What leaves, what comes back and `now` in; deadlines out.
class round_trip_check {
 public:
  /// The association is up, or data that was missing for long has been acknowledged.
  void start(clock::time_point now) noexcept;
  /// How many HEARTBEATs usrsctp is to send now.
  unsigned due(clock::time_point now) noexcept;
  /// They left.
  void sent(clock::time_point now) noexcept;
  /// An answer came, which makes `smoothed` of usrsctp's round trip.
  void answered(clock::time_point now, clock::duration smoothed) noexcept;
  bool waiting() const noexcept { return sent_ != clock::time_point(); }
  deadline next_deadline() const noexcept { return next_; }

 private:
  unsigned left_ = 0;
  clock::duration patience_{};
  clock::time_point sent_{};
  deadline next_ = no_deadline;
};

}  // namespace agw::sctp
