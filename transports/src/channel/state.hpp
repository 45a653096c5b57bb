// What is known of one stream id that carries, or is about to carry, a data channel.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "agw/core/event.hpp"
#include "agw/core/lazy_deque.hpp"
#include "agw/core/pipe.hpp"
#include "agw/transports/data_channel.hpp"
#include "agw/transports/dcep.hpp"
#include "channel/hold_ledger.hpp"
#include "channel/machine.hpp"

namespace agw::sctp {

class channel_table;

/// Shared by the table and the data_channel that the user holds. An id is free again when both directions are reset.
class channel_state : public std::enable_shared_from_this<channel_state> {
 public:
  /// What a queued message costs beyond its bytes, so that empty ones are bounded too.
  static constexpr std::size_t message_overhead_bytes = 64;
  static constexpr std::size_t cost_of(std::size_t bytes) noexcept { return bytes + message_overhead_bytes; }

  channel_state(channel_table& owner, std::shared_ptr<hold_ledger> ledger, std::uint16_t stream, std::size_t max_message)
      : table(&owner), id(stream), max_message_bytes(max_message), held(std::move(ledger), *this) {}

  channel_table* table;  ///< null when the association is gone, or both directions are reset
  const std::uint16_t id;
  const std::size_t max_message_bytes;
  channel_machine machine;
  std::string label;
  std::string protocol;
  channel_transfer transfer;
  std::uint64_t turns = 0;           ///< messages sent, each divided by the priority: who has the fewest is next
  std::optional<dcep_open> offered;  ///< while the machine says so

  lazy_deque<message> inbox;
  hold_account held;                ///< the inbox, parts of messages, and what an OPEN costs
  std::exception_ptr failure;       ///< of the association, or of this channel alone
  bool failed_alone = false;        ///< `failure` is of this channel: what the peer did afterwards does not count
  event readable;
  event writable;
  event changed;                    ///< for close() and for the opener that awaits the ACK
  event ended;                      ///< for peer_closed()
  bool queued_to_send = false;      ///< in the table's queue of channels that wait for room
  channel_statistics statistics;

  void wake_all() {
    readable.set();
    writable.set();
    changed.set();
    ended.set();
  }
};

}  // namespace agw::sctp
