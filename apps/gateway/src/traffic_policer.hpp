// Policing of what comes in from the outside of a stream, by rates in octets per second: the rules, without I/O.
#pragma once

#include <cstdint>

#include "agw/core/clock.hpp"
#include "agw/gateway/model.hpp"

namespace agw::gateway {

/// Fills at `rate` octets a second up to `depth`. May be overdrawn: spend() takes what has already happened.
class token_bucket {
 public:
  token_bucket(std::uint64_t rate, std::uint64_t depth, clock::time_point now) noexcept;

  bool holds(std::uint64_t octets, clock::time_point now) noexcept;
  void spend(std::uint64_t octets, clock::time_point now) noexcept;
  /// When nothing will be owed any more; the past when nothing is.
  clock::time_point settled(clock::time_point now) noexcept;

 private:
  void fill(clock::time_point now) noexcept;

  double rate_;
  double depth_;
  double level_;
  clock::time_point at_;
};

/// A sustained and a peak rate at once (H.248.53). Datagrams are dropped when admit() says no. A reliable transport must lose
/// nothing, so there the reader spends what it has read and pauses until resume_at(): TCP's or SCTP's own window then slows the
/// sender down to the rate.
class traffic_policer {
 public:
  /// No limits: everything passes. Takes effect at once; debts are cancelled.
  void set(const std::optional<traffic_limits>& limits, clock::time_point now);
  bool active() const noexcept { return sustained_.has_value() || peak_.has_value(); }

  bool admit(std::uint64_t octets, clock::time_point now) noexcept;
  void spend(std::uint64_t octets, clock::time_point now) noexcept;
  clock::time_point resume_at(clock::time_point now) noexcept;
  /// The most that is worth reading at once, octets: a bigger read would come as a burst beyond the limits. At least 1.
  std::uint64_t largest_read() const noexcept { return largest_read_; }

 private:
  std::optional<token_bucket> sustained_;
  std::optional<token_bucket> peak_;
  std::uint64_t largest_read_ = UINT64_MAX;
};

}  // namespace agw::gateway
