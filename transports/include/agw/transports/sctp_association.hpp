// An SCTP association over DTLS (RFC 8261) and the data channels on it (RFC 8831, 8832, 8864).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"
#include "agw/core/task_group.hpp"
#include "agw/transports/data_channel.hpp"

namespace agw::sctp {

class association_core;

/// Who sends INIT: both (WebRTC's normal case, the INITs cross: RFC 9260, 5.2), only we, or only the peer.
enum class initiation { both, out, in };

struct config {
  std::uint16_t local_port = 5000;   ///< our a=sctp-port. Distinct ports make set-up cheaper when there are thousands of associations
  std::uint16_t remote_port = 5000;  ///< the peer's a=sctp-port
  initiation initiate = initiation::both;
  std::size_t max_message_bytes = 262144;      ///< our a=max-message-size: a bigger message resets its channel. 1 to 1 GiB
  std::size_t peer_max_message_bytes = 65536;  ///< the peer's; 65 536 when it gave none, 0 = any size (RFC 8841, 6.1)
  std::uint16_t streams = 64;              ///< outgoing streams at first (100 B each); more are asked for by RFC 6525 when a channel needs
                                           ///< them, which browsers do not grant: ids that are known beforehand count in
  std::uint16_t max_inbound_streams = 256; ///< what a peer may use; memory is taken at once when the peer wants as many (40 B each)
  std::size_t send_buffer_bytes = 1 << 20;     ///< at first; also the largest message that can be sent
  std::size_t send_buffer_limit_bytes = 16 << 20;  ///< what it grows to on a long fast path, while stack_config::send_memory_bytes lasts
  std::size_t receive_buffer_bytes = 1 << 20;  ///< SCTP's receive window
  bool fit_window = true;                      ///< the peer is told of as much of it as its path needs
  std::size_t channel_buffer_bytes = 256 << 10;     ///< received but not taken: what a channel may hold for as long as it likes
  std::chrono::milliseconds hold_limit{30000};      ///< a channel that holds more, or the most while the window is used up, and from which
                                                    ///< nothing is taken for so long, is closed: channel:blocked. See below
  std::chrono::milliseconds unclaimed_hold{2000};   ///< how long data or an OPEN may wait for a channel that is just being configured
  std::chrono::milliseconds heartbeat_after{15000}; ///< without a packet from the peer a HEARTBEAT asks whether it is there
  std::chrono::milliseconds lost_after{30000};      ///< data outstanding and no packet at all from the peer for so long: sctp:timeout. The same when
                                                    ///< a HEARTBEAT is not answered, for half of this at least
  std::chrono::milliseconds stalled_after{20000};   ///< data outstanding and neither acknowledged nor sent again: sctp:stalled
  bool dtls_client = false;          ///< channels that we open by DCEP get even ids when we are the DTLS client, else odd (RFC 8832, 6)
};

/// A DCEP OPEN that is awaited: `a=dcmap:$ subprotocol="msrp"[;label="…"]`.
struct channel_expectation {
  std::string protocol;
  std::optional<std::string> label;  ///< any label when absent
};

struct association_statistics {
  std::chrono::microseconds srtt{0};
  std::uint64_t retransmitted_chunks = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint16_t outgoing_streams = 0;
  std::uint16_t incoming_streams = 0;
  std::size_t held_bytes = 0; ///< received and not taken yet, of all channels, with what each message costs
  bool interleaving = false;  ///< both ends speak I-DATA (RFC 8260)
};

/// Channels do not hold back each other: what is received is held channel by channel, the window that the peer is told is smaller by what
/// is held, and grows again with time when it is used up (by its own size in one hold_limit), until the channel that holds the most is closed.
/// So what is received and held takes at most 2 × receive_buffer_bytes of an association, however many channels it has.
///
/// Lives on one shard; `lower` outlives it. Destroying it without close() aborts the association and frees everything at once;
/// channels that are left then throw. Opening and accepting may run concurrently, for different channels.
class association {
 public:
  ~association();
  association(const association&) = delete;
  association& operator=(const association&) = delete;

  /// A channel negotiated by a=dcmap (RFC 8864), usable at once. Takes over what arrived early on that id; a DCEP OPEN on the id
  /// is acknowledged. Waits while the id is still being reset, and for more streams where needed.
  /// Throws stage_error("channel", "busy") when the id is open already, ("channel", "streams") when we or the peer allow no more: the
  /// error's text says who.
  awaitable<std::unique_ptr<data_channel>> open_channel(std::uint16_t id, std::string label = {}, std::string protocol = {},
                                                        channel_transfer transfer = {});

  /// The next channel that the peer opens by DCEP and that matches; it has been acknowledged. The oldest expectation that matches wins.
  /// A cancel withdraws the expectation.
  awaitable<std::unique_ptr<data_channel>> accept_channel(channel_expectation expected);

  /// Opens a channel by DCEP, on `id` or a free one of our parity, and waits for the ACK. Throws stage_error("channel", "reset")
  /// when the peer refuses it.
  awaitable<std::unique_ptr<data_channel>> open_with_dcep(dcep_open open, std::optional<std::uint16_t> id = {});

  /// SHUTDOWN after all that was sent, for at most 200 ms and never longer than `by`; then ABORT. Ends the pump; afterwards `lower`
  /// is free for another association. Nothing else may be called after it.
  awaitable<void> close(deadline by);

  /// Why no channel with this id can be had, and whose limit that is; empty when there is a stream for it, or one may be had by RFC 6525.
  std::string_view obstacle(std::uint16_t id) const;
  /// The same of every association with these options, whatever its peer allows: known before it is up.
  static std::string_view obstacle(const config& options, std::uint16_t id) noexcept;

  association_statistics statistics() const;

  /// For open() only.
  explicit association(std::shared_ptr<association_core> core) noexcept;

 private:
  std::shared_ptr<association_core> core_;
};

/// Establishes an association over `lower`, which carries one SCTP packet a datagram, and whose max_datagram_bytes() is taken as the
/// path's MTU. A child of `tasks` moves the packets from then on; when the established association dies it throws
/// stage_error("sctp", "abort" | "closed" | "restart" | "stalled" | "timeout" | "memory"), or what `lower` threw. Runs on the executor of `tasks`, a shard's.
/// Throws stage_error("sctp", "abort") when the peer refuses, ("sctp", "timeout") when INIT was never answered. Cancel leaves
/// nothing behind but a child of `tasks` that is about to end. A sctp::stack must exist.
awaitable<std::unique_ptr<association>> open(task_group& tasks, datagram_pipe& lower, config options);

}  // namespace agw::sctp
