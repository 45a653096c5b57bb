// What one side of a call still has to send: messages whose intended time has come, or as many as fit until a point in time. No I/O.
#pragma once

#include <deque>
#include <optional>

#include "agw/core/clock.hpp"

namespace agw::load {

class outbox {
 public:
  static constexpr std::size_t most_waiting = 20000;

  /// False: too many wait already.
  bool push(clock::time_point intended) {
    if (waiting_.size() >= most_waiting) return false;
    waiting_.push_back(intended);
    return true;
  }
  void send_until(clock::time_point end) noexcept { until_ = end; }
  void forget() noexcept {
    waiting_.clear();
    until_ = {};
  }
  /// The intended time of what is to be sent next.
  std::optional<clock::time_point> take(clock::time_point now) {
    if (!waiting_.empty()) {
      const auto out = waiting_.front();
      waiting_.pop_front();
      return out;
    }
    return now < until_ ? std::optional(now) : std::nullopt;
  }
  bool idle(clock::time_point now) const noexcept { return waiting_.empty() && now >= until_; }

 private:
  std::deque<clock::time_point> waiting_;
  clock::time_point until_{};
};

}  // namespace agw::load
