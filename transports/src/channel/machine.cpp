#include "channel/machine.hpp"

#include <algorithm>

namespace agw::sctp {

namespace {

constexpr auto denied_reset_pause = std::chrono::milliseconds(200);
constexpr auto unanswered_reset_pause = std::chrono::seconds(10);
constexpr int max_reset_attempts = 5;

}  // namespace

open_verdict channel_machine::on_open() noexcept {
  if (incoming_reset_) return open_verdict::too_late;
  switch (phase_) {
    case channel_phase::early:
      phase_ = channel_phase::offered;
      return open_verdict::offer;
    case channel_phase::negotiated:
      phase_ = channel_phase::open;
      return open_verdict::acknowledge;
    case channel_phase::refused: return open_verdict::too_late;
    default: return open_verdict::repeated;
  }
}

ack_verdict channel_machine::on_ack() noexcept {
  if (phase_ == channel_phase::early) return ack_verdict::garbage;
  if (phase_ != channel_phase::opening) return ack_verdict::unexpected;
  phase_ = channel_phase::open;
  return ack_verdict::opened;
}

void channel_machine::wait_for_user(deadline by) noexcept {
  if (unclaimed()) unclaimed_until_ = std::min(unclaimed_until_, by);
}

bool channel_machine::claim() noexcept {
  unclaimed_until_ = no_deadline;
  const bool offered = phase_ == channel_phase::offered;
  phase_ = offered ? channel_phase::open : channel_phase::negotiated;
  return offered;
}

void channel_machine::match() noexcept {
  unclaimed_until_ = no_deadline;
  phase_ = channel_phase::open;
}

void channel_machine::refuse() noexcept {
  unclaimed_until_ = no_deadline;
  phase_ = channel_phase::refused;
}

bool channel_machine::close(clock::time_point now) noexcept {
  if (closing()) return false;
  outgoing_ = channel_direction::resetting;
  reset_again_at_ = now + unanswered_reset_pause;
  return true;
}

void channel_machine::closed_alone(bool both) noexcept {
  outgoing_ = channel_direction::reset;
  reset_again_at_ = no_deadline;
  if (both) incoming_reset_ = true;
}

bool channel_machine::on_outgoing_reset(bool performed, clock::time_point now) noexcept {
  if (outgoing_ != channel_direction::resetting) return false;
  if (!performed) {
    reset_again_at_ = now + denied_reset_pause;
    return false;
  }
  closed_alone(false);
  return true;
}

bool channel_machine::used_again() noexcept {
  if (!incoming_reset_ || !closing()) return false;
  closed_alone(false);
  return true;
}

expiry channel_machine::expire(clock::time_point now) noexcept {
  if (unclaimed_until_ <= now) return expiry::unclaimed;
  if (reset_again_at_ > now) return expiry::nothing;
  reset_again_at_ = now + unanswered_reset_pause;
  if (++reset_attempts_ < max_reset_attempts) return expiry::reset_again;
  closed_alone(false);
  return expiry::reset_given_up;
}

deadline channel_machine::next_deadline() const noexcept { return std::min(unclaimed_until_, reset_again_at_); }

}  // namespace agw::sctp
