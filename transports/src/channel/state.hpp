// What is known of one stream id that carries, or is about to carry, a data channel.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "agw/core/clock.hpp"
#include "agw/core/event.hpp"
#include "agw/core/pipe.hpp"
#include "agw/transports/data_channel.hpp"
#include "agw/transports/dcep.hpp"

namespace agw::sctp {

class channel_table;

/// Shared by the table and the data_channel that the user holds. An id is free again when both directions are reset.
class channel_state : public std::enable_shared_from_this<channel_state> {
 public:
  /// What a queued message costs beyond its bytes, so that empty ones are bounded too.
  static constexpr std::size_t message_overhead_bytes = 64;

  channel_state(channel_table& owner, std::uint16_t stream, std::size_t max_message)
      : table(&owner), id(stream), max_message_bytes(max_message) {}

  channel_table* table;  ///< null when the association is gone, or both directions are reset
  const std::uint16_t id;
  const std::size_t max_message_bytes;
  std::string label;
  std::string protocol;
  bool ordered = true;
  reliability policy = reliability::reliable;
  std::uint32_t parameter = 0;

  bool claimed = false;             ///< a user holds it, or is about to
  bool dropping = false;            ///< what arrives is discarded: the channel was refused, or its user destroyed it
  bool awaits_ack = false;          ///< we sent the OPEN
  bool acknowledged = false;        ///< we sent an ACK, or the OPEN: a further OPEN is an error of the peer
  std::optional<dcep_open> offered; ///< an OPEN that no expectation matches yet
  deadline unclaimed_until = no_deadline;

  bool incoming_reset = false;      ///< the peer has closed its direction, and all before that is in the inbox
  bool reset_requested = false;     ///< ours is being closed
  bool outgoing_reset = false;      ///< ours is closed
  deadline retry_reset_at = no_deadline;
  int reset_attempts = 0;

  std::deque<message> inbox;
  std::size_t inbox_bytes = 0;      ///< with an allowance for what a message costs beyond its bytes
  std::exception_ptr failure;       ///< of the association, or of this channel alone
  event readable;
  event writable;
  event changed;                    ///< for close() and for the opener that awaits the ACK
  event ended;                      ///< for peer_closed()
  bool queued_to_send = false;      ///< in the table's queue of channels that wait for room
  channel_statistics statistics;

  bool finished() const noexcept { return incoming_reset && outgoing_reset; }
  void wake_all() {
    readable.set();
    writable.set();
    changed.set();
    ended.set();
  }
};

}  // namespace agw::sctp
