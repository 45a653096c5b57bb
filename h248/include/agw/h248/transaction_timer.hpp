// When a request is repeated (H.248.1 D.1.3): the delay to a peer is estimated as TCP does it, each repetition doubles it, and
// a random part spreads what one event set off at once.
#pragma once

#include <algorithm>
#include <random>

#include <agw/core/clock.hpp>
#include <agw/h248/transaction_config.hpp>

namespace agw::h248 {

/// What is known of the delay between a request to one peer and its reply.
class delay_estimate {
 public:
  /// A reply to a request that was sent once only: with others nobody knows which copy was answered.
  void measured(clock::duration delay) noexcept {
    floor_ = {};
    if (!known_) {
      average_ = delay;
      deviation_ = delay / 2;
      known_ = true;
      return;
    }
    const auto error = delay - average_;
    average_ += error / 8;
    deviation_ += ((error < clock::duration{} ? -error : error) - deviation_) / 4;
  }
  /// A reply to a request that was repeated: perhaps the delay is longer than thought, perhaps copies were lost. The next request gets
  /// twice the time, until a delay is measured again; more would let a lossy network slow everything down.
  void repeated(const transaction_config& config) noexcept { floor_ = std::min(2 * average(config), config.max_timeout); }

  clock::duration average(const transaction_config& config) const noexcept {
    const auto delay = std::max(known_ ? average_ : config.first_timeout, floor_);
    return std::clamp(delay, config.min_timeout, config.max_timeout);
  }
  clock::duration deviation() const noexcept { return deviation_; }

 private:
  clock::duration average_{};    // AAD
  clock::duration deviation_{};  // ADEV
  clock::duration floor_{};
  bool known_ = false;
};

/// The timer of one request.
class retransmission_timer {
 public:
  retransmission_timer(const delay_estimate& estimate, const transaction_config& config) noexcept
      : delay_(estimate.average(config)), margin_(4 * estimate.deviation()) {}

  /// From sending to the first repetition.
  clock::duration first(const transaction_config& config) const noexcept { return std::min(delay_ + margin_, config.max_timeout); }
  /// From a repetition to the next.
  template <class Random>
  clock::duration next(const transaction_config& config, Random& random) {
    delay_ = std::min(2 * delay_, config.max_timeout);
    std::uniform_int_distribution<clock::rep> between(delay_.count() / 2, delay_.count());
    return std::min(clock::duration(between(random)) + margin_, config.max_timeout);
  }

 private:
  clock::duration delay_;
  clock::duration margin_;
};

}  // namespace agw::h248
