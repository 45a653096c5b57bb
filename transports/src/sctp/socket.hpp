// One usrsctp socket of the one-to-one style, non-blocking: everything that agw asks of usrsctp for an association.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/core/pipe.hpp"
#include "agw/transports/data_channel.hpp"
#include "agw/transports/sctp_association.hpp"
#include "sctp/mailbox.hpp"

struct socket;

namespace agw::sctp {

/// The result of a read. Sizes are of the caller's buffer.
struct received {
  enum class kind { nothing, data, notification, closed, failed };
  kind what = kind::nothing;
  std::size_t size = 0;
  std::uint16_t stream = 0;
  std::uint32_t ppid = 0;  ///< host order
  bool unordered = false;
  bool complete = false;   ///< the message (or notification) ends here
};

enum class send_outcome { sent, full, failed };

/// How a message is to be sent.
struct send_options {
  std::uint16_t stream = 0;
  std::uint32_t ppid = 0;
  bool ordered = true;
  reliability policy = reliability::reliable;
  std::uint32_t parameter = 0;
};

/// When a peer counts as gone, where no layer below asks for it.
struct path_limits {
  std::chrono::milliseconds heartbeat{5000};
  unsigned max_retransmissions = 4;
  unsigned max_init_attempts = 4;
};

struct socket_status {
  std::chrono::microseconds srtt{0};
  std::size_t queued = 0;  ///< messages and chunks that wait to be sent or acknowledged
  std::uint16_t incoming_streams = 0;
  std::uint16_t outgoing_streams = 0;
};

/// Only a handle: every call may make usrsctp send packets, so the caller is `inside_usrsctp`.
class sctp_socket {
 public:
  /// Sets every option; throws stage_error("sctp", "error") when usrsctp refuses one (out of memory, or a bug).
  sctp_socket(association_id id, const config& options, std::size_t path_mtu_bytes);
  ~sctp_socket();
  sctp_socket(const sctp_socket&) = delete;
  sctp_socket& operator=(const sctp_socket&) = delete;

  /// Before connect() and listen(): otherwise the peer is never given up.
  void limit_path(const path_limits& limits);
  /// Messages are cut so that a packet with one piece has at most so many octets; 0: only the path's MTU counts.
  void limit_pieces(std::size_t packet_bytes);
  /// What may be unacknowledged from now on, octets; forgets what usrsctp has made of its congestion window.
  void set_window(std::size_t bytes);
  void set_send_buffer(std::size_t bytes);
  /// The retransmission timer does not wait less, from its next start.
  void set_least_timeout(std::chrono::milliseconds least);
  /// Sends HEARTBEATs, whose answers are samples of the round trip.
  void ask_round_trip(std::uint16_t remote_port, unsigned count);
  /// Sends INIT.
  void connect(std::uint16_t remote_port);
  void listen();
  /// After listen(): true when the peer's association is there; the socket is that association's from then on.
  bool accept();

  received receive(std::span<std::byte> into);
  send_outcome send(bytes_view message, const send_options& options);
  /// Resets an outgoing stream once what was sent on it is acknowledged. False: the peer does not know RFC 6525, or the stream does
  /// not exist.
  bool reset_outgoing(std::uint16_t stream);
  /// False when another request is outstanding, or usrsctp refuses.
  bool add_streams(std::uint16_t outgoing, std::uint16_t incoming);
  /// Nothing when the association is gone.
  std::optional<socket_status> status() const;
  bool interleaving() const;
  /// errno of the association's end, 0 while it lives.
  int pending_error() const;
  void shutdown();
  /// ABORT, when there is an association, and frees all. Idempotent.
  void abort();

 private:
  void set(int option, const void* value, std::size_t size);
  void prepare(const config& options, std::size_t path_mtu_bytes);

  association_id id_;
  struct ::socket* socket_ = nullptr;
  struct ::socket* listener_ = nullptr;
};

}  // namespace agw::sctp
