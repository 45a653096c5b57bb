// Finds the highest rate that is still good: by doubling, or halving where the first is not, and then by bisecting. No I/O.
#pragma once

#include <optional>

namespace agw::load {

class knee_search {
 public:
  /// Ends when the bounds are within `precision` of each other, or when not even `lowest` is good.
  knee_search(double first, double precision, double lowest = 1) noexcept : rate_(first), precision_(precision), lowest_(lowest) {}

  /// The rate to be tried; nothing when it has ended.
  std::optional<double> next() const noexcept { return done_ ? std::nullopt : std::optional(rate_); }
  /// How the rate of next() was.
  void judge(bool good) noexcept {
    (good ? good_ : bad_) = rate_;
    if (good_ && bad_) {
      done_ = *bad_ <= *good_ * (1 + precision_);
      rate_ = (*good_ + *bad_) / 2;
    } else {
      rate_ = good ? rate_ * 2 : rate_ / 2;
      done_ = rate_ < lowest_;
    }
  }
  /// The highest rate that was good; nothing when none was.
  std::optional<double> knee() const noexcept { return good_; }

 private:
  double rate_;
  double precision_;
  double lowest_;
  std::optional<double> good_;
  std::optional<double> bad_;
  bool done_ = false;
};

}  // namespace agw::load
