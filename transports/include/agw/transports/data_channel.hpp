// One WebRTC data channel: a message pipe on one SCTP stream id (RFC 8831).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agw/core/pipe.hpp"
#include "agw/transports/dcep.hpp"

namespace agw::sctp {

class channel_state;

/// Not an id of a channel (RFC 8832, 6).
inline constexpr std::uint16_t reserved_stream_id = 65535;

/// How our side of a negotiated channel sends: ordered, max-retr, max-time and priority of a=dcmap (RFC 8864, 5.1.1). The peer's side has its own.
struct channel_transfer {
  bool ordered = true;
  reliability policy = reliability::reliable;
  std::uint32_t parameter = 0;  ///< retransmissions or milliseconds, as the policy says
  std::uint16_t priority = default_priority;  ///< the share of turns while channels wait for room
};

struct channel_statistics {
  std::uint64_t messages_sent = 0;
  std::uint64_t bytes_sent = 0;  ///< of user data
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_received = 0;
};

/// Made by an association, and lives on its shard. It may outlive the association; its calls then throw. Destroying an open
/// channel resets its stream without waiting.
class data_channel final : public message_pipe {
 public:
  ~data_channel() override;

  std::uint16_t id() const noexcept;
  /// From the DCEP OPEN, or what a negotiated channel was opened with.
  const std::string& label() const noexcept;
  const std::string& protocol() const noexcept;

  /// See message_pipe. At most 64 messages at once, or as many as make 64 KiB. What is not received is held in memory of the channel;
  /// the window of the association is smaller by that. A channel that holds more than config::channel_buffer_bytes, or the most of an
  /// association whose window is used up, is closed when nothing is received for config::hold_limit and in_use() was not called either: what
  /// it held is freed, and this and every other call throws stage_error("channel", "blocked"). After the association failed: what was queued, then
  /// stage_error("sctp", …).
  awaitable<bool> receive(std::vector<message>& into) override;
  void in_use() noexcept override;
  /// See message_pipe. Throws stage_error("channel", "reset") when the peer or we have closed the channel, "too-large" beyond
  /// max_message_bytes(). Waiting channels of an association take turns, as many messages each as their priorities say.
  bool try_send(bytes_view message, message_kind kind = message_kind::binary) override;
  awaitable<void> send_ready() override;
  /// The peer's a=max-message-size, and never more than the send buffer.
  std::size_t max_message_bytes() const noexcept override;
  /// Resets our direction once all that was sent is acknowledged (RFC 8831, 6.7), and waits for the peer's reset or the deadline.
  /// Messages that arrive meanwhile go to a receive() that still runs, up to the queue's bound. The id may be used again when both
  /// directions are reset; open_channel() waits for that.
  awaitable<void> close(deadline by) override;

  /// Returns true when the peer has closed the channel, even if messages are still to be received; false when the association failed.
  /// Throws stage_error("channel", "blocked" | "reset") when this channel alone was closed for a fault. One waiter at a time.
  awaitable<bool> peer_closed();
  /// What has arrived and was not received yet.
  std::size_t unread_messages() const noexcept;
  /// Messages, or parts of one, are held that nobody has taken.
  bool holds() const noexcept;

  const channel_statistics& statistics() const noexcept;

  /// For the association only.
  explicit data_channel(std::shared_ptr<channel_state> state) noexcept;

 private:
  std::shared_ptr<channel_state> state_;
};

}  // namespace agw::sctp
