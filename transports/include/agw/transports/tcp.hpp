// TCP towards the core: one connection, dialled or accepted, as a byte stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <sys/uio.h>

#include <boost/asio/ip/tcp.hpp>

#include "agw/core/pipe.hpp"
#include "agw/core/sockets.hpp"
#include "agw/transports/port_pool.hpp"

namespace agw::tcp {

using endpoint = asio::ip::tcp::endpoint;

struct config {
  std::chrono::seconds keep_alive_idle{30};        ///< silence before the kernel probes the peer
  std::chrono::seconds keep_alive_interval{6};     ///< between probes; five without an answer reset the stream
  /// Sent data unacknowledged this long resets the stream (RFC 5482). Never shorter than silence and five probes take: Linux ends a silent
  /// connection, too, when it has passed and a single probe is unanswered.
  std::chrono::milliseconds user_timeout{60'000};
  std::optional<unsigned> dscp;                    ///< of every packet from the SYN on; absent = the system's
};

/// Bytes through a stream since it was made.
struct traffic {
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

/// What can be seen of a connection without reading from it: `ended` when the peer's FIN is there, perhaps behind data, `broken` when it was
/// reset or timed out.
enum class liveness { alive, ended, broken };

/// A socket on its way from one executor to another: in no loop, still open, its port still leased. The destructor closes it unless it was
/// resumed.
class parked_socket {
 public:
  parked_socket() = default;
  parked_socket(int handle, port_lease lease, unread_bytes unread = {}) noexcept
      : lease_(std::move(lease)), unread_(std::move(unread)), handle_(handle) {}
  parked_socket(parked_socket&& other) noexcept
      : lease_(std::move(other.lease_)), unread_(other.take_unread()), handle_(std::exchange(other.handle_, -1)) {}
  parked_socket& operator=(parked_socket other) noexcept {
    std::swap(lease_, other.lease_);
    std::swap(unread_, other.unread_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~parked_socket();
  explicit operator bool() const noexcept { return handle_ >= 0; }
  int handle() const noexcept { return handle_; }
  /// Its new owner closes it.
  int take_handle() noexcept { return std::exchange(handle_, -1); }
  port_lease take_lease() noexcept { return std::move(lease_); }
  unread_bytes take_unread() noexcept { return std::exchange(unread_, {}); }

 private:
  port_lease lease_;
  unread_bytes unread_;
  int handle_ = -1;
};

/// A connected socket. Every failure of the connection is a stage_error "tcp" with "refused", "timeout", "reset", "unreachable"
/// or "error", and the system's code. Cancel is safe at every await; after a cancelled write() the stream cannot be used any more.
/// Shard-bound; may be destroyed when no operation is pending, and then returns its port.
class stream final : public byte_stream {
 public:
  stream(tcp_socket socket, const config& settings, port_lease lease = {});
  /// Resumes a parked connection on this executor.
  stream(loop_executor executor, parked_socket from, const config& settings);
  /// Leaves its executor: the stream cannot be used any more. No operation is pending.
  parked_socket park();

  awaitable<std::size_t> read_some(std::span<std::byte> into) override;
  awaitable<void> write(std::span<const bytes_view> pieces) override;
  /// FIN, then what still arrives is read and discarded until the peer's FIN or `by`; then the socket is closed. Failures
  /// of the connection are not thrown.
  awaitable<void> close(deadline by) override;

  const endpoint& local() const noexcept { return local_; }
  const endpoint& remote() const noexcept { return remote_; }
  const traffic& counted() const noexcept { return traffic_; }
  /// What the peer's TCP has acknowledged, with what TLS puts around it. 0 when it is not known.
  std::uint64_t acknowledged_bytes() noexcept;
  /// The six DSCP bits of what is sent from now on; false when the system refuses.
  bool set_dscp(unsigned dscp) noexcept;
  /// Alive while a read waits: that one sees the end.
  liveness look() noexcept;
  /// For TLS, which takes the socket over, and counts the octets inside its records.
  tcp_socket& socket() noexcept { return socket_; }
  void count_in(std::size_t bytes) noexcept { traffic_.bytes_in += bytes; }
  void count_out(std::size_t bytes) noexcept { traffic_.bytes_out += bytes; }

  /// The port stays leased when the stream is gone, for listener::reopen().
  port_lease keep_port() noexcept { return std::move(lease_); }

 private:
  port_lease lease_;  // returned after the socket is closed
  tcp_socket socket_;
  endpoint local_;
  endpoint remote_;
  traffic traffic_;
  unread_bytes unread_;
  std::vector<iovec> pieces_;
  error_code reset_;      // what a write has met
  bool reading_ = false;  // a read waits
};

/// A port that listens from Reserve on, for exactly one connection. Connections wait in the kernel until accept().
class listener {
 public:
  /// transport_error::no_port, or the system's error.
  static result<std::unique_ptr<listener>> open(loop_executor executor, const asio::ip::address& address,
                                                port_pool& ports, const config& settings = {});
  /// The same port once more, after the connection that it was opened for.
  static result<std::unique_ptr<listener>> reopen(loop_executor executor, const endpoint& local, port_lease lease,
                                                  const config& settings = {});
  /// Resumes a parked listener on this executor; connections that came meanwhile are still queued. The system's error.
  static result<std::unique_ptr<listener>> resume(loop_executor executor, parked_socket from, const config& settings = {});
  /// Leaves its executor, as stream::park(); empty when it has accepted its connection.
  parked_socket park();

  /// The first connection, or, when `from` names an address, the first from there; others are reset and counted (drops "tcp",
  /// "stranger"). Then listening ends, and further connections in the queue are reset and counted ("extra"). Throws stage_error "tcp" when
  /// the listener fails. After a cancel it listens on; after success nothing but destruction is allowed.
  awaitable<std::unique_ptr<stream>> accept(std::optional<asio::ip::address> from);
  /// The same with a rule: the first connection whose source `admits` accepts. An empty rule accepts all.
  awaitable<std::unique_ptr<stream>> accept_if(std::function<bool(const endpoint&)> admits);
  /// DSCP of the SYN-ACK and of the connection; false when the system refuses.
  bool set_dscp(unsigned dscp) noexcept;

  const endpoint& local() const noexcept { return local_; }
  port_lease keep_port() noexcept { return std::move(lease_); }

 private:
  listener(tcp_acceptor acceptor, const config& settings, port_lease lease);

  port_lease lease_;
  tcp_acceptor acceptor_;
  endpoint local_;
  config settings_;
};

/// Dials `remote` from `local_address` (unspecified = the route's address) and `local_port` (0 = any). Throws stage_error "tcp" as above;
/// "timeout" may also be stage()'s.
awaitable<std::unique_ptr<stream>> connect(endpoint remote, asio::ip::address local_address, config settings = {},
                                           std::uint16_t local_port = 0);

/// The same from a port of `ports`, which the stream holds; "port" when all are in use. The pool outlives the call.
awaitable<std::unique_ptr<stream>> connect(endpoint remote, asio::ip::address local_address, port_pool& ports, config settings = {});

/// Whether the address is one of this machine's, in this network namespace: whether a socket can be bound to it. Also true when no
/// descriptor is left for the test.
bool is_local(const asio::ip::address& address);

}  // namespace agw::tcp
