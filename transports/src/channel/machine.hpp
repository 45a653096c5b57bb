// The states of one stream id that carries, or is about to carry, a data channel, and what each event means in them.
#pragma once

#include <cstdint>

#include "agw/core/clock.hpp"

namespace agw::sctp {

/// Who uses the id. `refused` is left only by the end of both directions.
enum class channel_phase : std::uint8_t {
  early,       ///< data may have come; no user has asked for the id
  offered,     ///< the peer's OPEN waits for an expectation
  negotiated,  ///< a user holds it, and no OPEN has been seen (RFC 8864)
  opening,     ///< a user holds it, and our OPEN awaits its ACK
  open,        ///< a user holds it, and an OPEN was exchanged
  refused,     ///< what arrives is dropped: nobody came for it, or its user destroyed it, or it was closed for a fault
};

/// One direction of the stream (RFC 6525).
enum class channel_direction : std::uint8_t { open, resetting, reset };

/// What an OPEN of the peer's asks for.
enum class open_verdict : std::uint8_t { offer, acknowledge, repeated, too_late };
/// What an ACK is.
enum class ack_verdict : std::uint8_t { opened, unexpected, garbage };
/// What time asks for.
enum class expiry : std::uint8_t { nothing, unclaimed, reset_again, reset_given_up };

/// Events and `now` in, verdicts out; no I/O. RFC 8832, RFC 8831 section 6.7.
class channel_machine {
 public:
  channel_phase phase() const noexcept { return phase_; }
  channel_direction outgoing() const noexcept { return outgoing_; }
  bool incoming_reset() const noexcept { return incoming_reset_; }
  /// A user holds it, or is about to.
  bool claimed() const noexcept {
    return phase_ == channel_phase::negotiated || phase_ == channel_phase::opening || phase_ == channel_phase::open;
  }
  bool unclaimed() const noexcept { return phase_ == channel_phase::early || phase_ == channel_phase::offered; }
  bool refused() const noexcept { return phase_ == channel_phase::refused; }
  /// Our direction is being closed, or is closed.
  bool closing() const noexcept { return outgoing_ != channel_direction::open; }
  bool sends() const noexcept { return !closing() && !incoming_reset_; }
  /// Both directions are closed: the id is free again, once a user or a refusal has decided what came before that.
  bool finished() const noexcept { return incoming_reset_ && outgoing_ == channel_direction::reset; }
  bool forgettable() const noexcept { return finished() && !unclaimed(); }

  open_verdict on_open() noexcept;
  ack_verdict on_ack() noexcept;
  /// Data or an OPEN waits for a user until `by`, unless an earlier one does.
  void wait_for_user(deadline by) noexcept;
  /// A user takes the id. True: the OPEN that came before is to be acknowledged.
  bool claim() noexcept;
  /// A user's expectation matches the peer's OPEN.
  void match() noexcept;
  /// Our OPEN goes out.
  void await_ack() noexcept { phase_ = channel_phase::opening; }
  void refuse() noexcept;
  /// True: our direction is to be reset now.
  bool close(clock::time_point now) noexcept;
  /// There is nothing to reset, or the peer does not know RFC 6525: then it will not reset its direction either.
  void closed_alone(bool both) noexcept;
  /// The peer has reset its direction.
  void on_incoming_reset() noexcept { incoming_reset_ = true; }
  /// The peer's answer to our reset. True: our direction is closed now.
  bool on_outgoing_reset(bool performed, clock::time_point now) noexcept;
  /// The peer uses the id anew after both had asked for its reset: it has answered ours, and the answer has not arrived.
  bool used_again() noexcept;
  expiry expire(clock::time_point now) noexcept;
  deadline next_deadline() const noexcept;
  deadline unclaimed_until() const noexcept { return unclaimed_until_; }

 private:
  channel_phase phase_ = channel_phase::early;
  channel_direction outgoing_ = channel_direction::open;
  bool incoming_reset_ = false;
  deadline unclaimed_until_ = no_deadline;
  deadline reset_again_at_ = no_deadline;
  int reset_attempts_ = 0;
};

}  // namespace agw::sctp
