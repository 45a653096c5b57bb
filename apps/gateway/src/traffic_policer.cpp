#include "traffic_policer.hpp"

#include <algorithm>

namespace agw::gateway {

namespace {

// A bucket that cannot hold one datagram would let none pass, whatever its rate.
constexpr std::uint64_t smallest_depth = 1500;

double seconds(clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

token_bucket::token_bucket(std::uint64_t rate, std::uint64_t depth, clock::time_point now) noexcept
    : rate_(static_cast<double>(rate)), depth_(static_cast<double>(std::max(depth, smallest_depth))), level_(depth_), at_(now) {}

void token_bucket::fill(clock::time_point now) noexcept {
  if (now <= at_) return;
  level_ = std::min(depth_, level_ + rate_ * seconds(now - at_));
  at_ = now;
}

bool token_bucket::holds(std::uint64_t octets, clock::time_point now) noexcept {
  fill(now);
  return level_ >= static_cast<double>(octets);
}

void token_bucket::spend(std::uint64_t octets, clock::time_point now) noexcept {
  fill(now);
  level_ -= static_cast<double>(octets);
}

clock::time_point token_bucket::settled(clock::time_point now) noexcept {
  fill(now);
  if (level_ >= 0) return at_;
  if (rate_ <= 0) return no_deadline;
  // An hour at most: the waiting reader asks again, and the limits may have changed by then.
  const double wait = std::min(-level_ / rate_, 3600.0);
  return now + std::chrono::nanoseconds(static_cast<std::int64_t>(wait * 1e9) + 1);
}

void traffic_policer::set(const std::optional<traffic_limits>& limits, clock::time_point now) {
  sustained_.reset();
  peak_.reset();
  largest_read_ = UINT64_MAX;
  if (!limits) return;
  const auto limit = [&](std::uint64_t depth) { largest_read_ = std::min(largest_read_, std::max(depth, smallest_depth)); };
  if (limits->sustained_rate) {
    // Without a burst size: what one second brings.
    const auto depth = limits->burst_bytes.value_or(*limits->sustained_rate);
    sustained_.emplace(*limits->sustained_rate, depth, now);
    limit(depth);
  }
  if (limits->peak_rate) {
    const auto jitter = static_cast<double>(*limits->peak_rate) * seconds(limits->delay_variation);
    const auto depth = static_cast<std::uint64_t>(std::min(jitter, 1e15));
    peak_.emplace(*limits->peak_rate, depth, now);
    limit(depth);
  }
}

bool traffic_policer::admit(std::uint64_t octets, clock::time_point now) noexcept {
  if (sustained_ && !sustained_->holds(octets, now)) return false;
  if (peak_ && !peak_->holds(octets, now)) return false;
  spend(octets, now);
  return true;
}

void traffic_policer::spend(std::uint64_t octets, clock::time_point now) noexcept {
  if (sustained_) sustained_->spend(octets, now);
  if (peak_) peak_->spend(octets, now);
}

clock::time_point traffic_policer::resume_at(clock::time_point now) noexcept {
  auto out = now;
  if (sustained_) out = std::max(out, sustained_->settled(now));
  if (peak_) out = std::max(out, peak_->settled(now));
  return out;
}

}  // namespace agw::gateway
