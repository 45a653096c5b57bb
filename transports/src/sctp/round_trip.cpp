#include "sctp/round_trip.hpp"

#include <algorithm>

namespace agw::sctp {

namespace {

// Each sample takes an eighth of the distance: from 3 s to 10 ms it is 43 of them.
constexpr unsigned at_once = 4;
constexpr unsigned max_packets = 20;
constexpr clock::duration answer_time = std::chrono::milliseconds(500);
constexpr clock::duration near_enough = std::chrono::milliseconds(10);

}  // namespace

void round_trip_check::start(clock::time_point now) noexcept {
  left_ = max_packets;
  patience_ = answer_time;
  sent_ = {};
  next_ = now;
}

unsigned round_trip_check::due(clock::time_point now) noexcept {
  if (next_ > now) return 0;
  sent_ = {};
  next_ = left_ == 0 ? no_deadline : now + patience_;
  if (left_ == 0) return 0;
  --left_;
  return at_once;
}

void round_trip_check::sent(clock::time_point now) noexcept {
  if (next_ != no_deadline) sent_ = now;
}

void round_trip_check::answered(clock::time_point now, clock::duration smoothed) noexcept {
  if (!waiting()) return;
  const auto seen = now - sent_;
  patience_ = std::min(4 * seen + near_enough, answer_time);
  sent_ = {};
  next_ = smoothed > seen + seen / 4 + near_enough ? now : no_deadline;
}

}  // namespace agw::sctp
