// When something is to be sent or begun: at a rate that does not wait for what came before. Latencies count from these times, so that a
// gateway that holds us up is not spared the messages that we could not send meanwhile (coordinated omission). No I/O.
#pragma once

#include <cstdint>
#include <optional>

#include "agw/core/clock.hpp"

namespace agw::load {

class pacer {
 public:
  /// Every `shares`-th time of a sequence of `rate` a second, from the `share`-th on; none at `end` or later. Times are computed from
  /// the start, so that rounding does not add up.
  pacer(clock::time_point start, clock::time_point end, double rate, std::uint64_t share = 0, std::uint64_t shares = 1) noexcept
      : start_(start), end_(end), rate_(rate), shares_(shares), next_(share) {}

  /// The next intended time; nothing behind the end.
  std::optional<clock::time_point> next() const noexcept {
    const auto at = start_ + clock::duration(static_cast<std::int64_t>(static_cast<double>(next_) / rate_ * 1e9));
    return at < end_ ? std::optional(at) : std::nullopt;
  }
  /// Its number in the whole sequence.
  std::uint64_t number() const noexcept { return next_; }
  void advance() noexcept { next_ += shares_; }
  /// The next intended time if it is due, and on to the one behind it.
  std::optional<clock::time_point> take(clock::time_point now) noexcept {
    const auto at = next();
    if (!at || *at > now) return std::nullopt;
    advance();
    return at;
  }

 private:
  clock::time_point start_;
  clock::time_point end_;
  double rate_;
  std::uint64_t shares_;
  std::uint64_t next_;
};

}  // namespace agw::load
