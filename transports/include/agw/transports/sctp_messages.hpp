// SCTP with whole messages on one stream, over any path for its packets: for signalling protocols. Data channels use
// sctp_association.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/core/pipe.hpp"

namespace agw::sctp {

struct messages_config {
  std::uint16_t local_port = 2944;
  std::uint16_t remote_port = 2944;
  std::uint32_t ppid = 7;                        ///< of what is sent; what comes with another one is dropped and counted
  std::size_t max_message_bytes = 65535;         ///< longer ones are dropped and counted, in either direction
  std::size_t max_queue_bytes = 4u << 20;        ///< waiting to be sent because the peer does not read
  std::size_t path_mtu_bytes = 1200;             ///< the largest SCTP packet
  std::chrono::milliseconds heartbeat{5000};     ///< interval on an idle association; 0.1 s and up
  unsigned max_retransmissions = 4;              ///< without an answer the peer counts as gone
  unsigned max_init_attempts = 4;
};

/// What an association tells its owner, on its executor. Nothing here may destroy the association.
class message_host {
 public:
  /// To be sent to the peer now.
  virtual void on_packet(bytes_view packet) = 0;
  /// The association is up; again, when the peer has begun anew.
  virtual void on_up() = 0;
  virtual void on_message(bytes_view message) = 0;
  /// Once, and nothing after it: "timeout", "abort", "closed" or "refused".
  virtual void on_end(std::string_view why) = 0;

 protected:
  ~message_host() = default;
};

enum class message_side : std::uint8_t { dial, listen };

/// One association. Shard-bound; needs a stack. Packets and time (from the stack) in, packets and messages out.
class message_association {
 public:
  /// Dialling sends INIT before it returns; listening waits for one. Throws stage_error "sctp" when usrsctp has no memory.
  message_association(loop_executor executor, const messages_config& config, message_side side, message_host& host);
  /// ABORT, unless it has ended.
  ~message_association();
  message_association(const message_association&) = delete;
  message_association& operator=(const message_association&) = delete;

  /// A packet of the peer's.
  void input(bytes_view packet);
  /// Sends, or queues until the association is up and the peer takes it. False, and nothing kept: too long, too much, or ended.
  bool send(bytes_view message);
  bool up() const noexcept;
  bool ended() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Whether a packet is one that an association may begin with: an INIT.
bool begins_association(bytes_view packet) noexcept;
/// What a packet that no association knows is answered with (RFC 9260, 8.4): an ABORT with its own tag. Empty: with nothing.
std::vector<std::byte> answer_out_of_the_blue(bytes_view packet);

}  // namespace agw::sctp
