// A UDP socket that moves datagrams in batches: recvmmsg and GRO in, sendmmsg and GSO out. One system call a datagram costs more
// than all the cryptography above it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include <boost/asio/ip/udp.hpp>

#include "agw/core/pipe.hpp"
#include "agw/core/sockets.hpp"
#include "agw/transports/port_pool.hpp"

namespace agw::udp {

using endpoint = asio::ip::udp::endpoint;
class resting_place;

struct socket_config {
  int receive_buffer_bytes = 1 << 20;  ///< for what arrives while the shard is busy; rmem_max bounds it for others than root
  int send_buffer_bytes = 1 << 20;     ///< a burst beyond it is dropped and counted
};

/// One datagram that was received; both views live until the next receive() on the same thread.
struct arrival {
  std::span<std::byte> bytes;
  const endpoint* source = nullptr;
};

/// What went through a socket since it was opened: UDP payload.
struct traffic {
  std::uint64_t datagrams_in = 0;
  std::uint64_t datagrams_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;

  traffic& operator+=(const traffic& other) noexcept {
    datagrams_in += other.datagrams_in;
    datagrams_out += other.datagrams_out;
    bytes_in += other.bytes_in;
    bytes_out += other.bytes_out;
    return *this;
  }
};

/// A bound, unconnected socket with the lease of its port. Shard-bound. May be destroyed when no wait_readable() is pending.
class socket {
 public:
  ~socket();
  /// Binds to a port of `ports` on `address`. transport_error::no_port, or the system's error.
  static result<socket> open(loop_executor executor, const asio::ip::address& address, port_pool& ports,
                             const socket_config& config = {});
  socket(socket&&) noexcept;
  socket& operator=(socket&&) noexcept;

  const endpoint& local() const noexcept { return local_; }
  const traffic& counted() const noexcept { return traffic_; }

  /// What is in the kernel's buffer, without waiting: empty when nothing is. One call takes a bounded number: call until it yields
  /// nothing, then wait_readable(). The receive memory is one per thread, shared by all its sockets.
  std::span<const arrival> receive();

  /// Waits until receive() would yield something. Cancel throws operation_aborted; nothing is lost by it. One at a time.
  awaitable<void> wait_readable();
  /// Ends a wait_readable() that is pending, or else the next one, at once.
  void wake();

  /// From now on hardly anything comes, so that a wait costs the loop next to nothing beside those of other sockets at rest; where many are, one that
  /// became readable is seen up to 4 ms later. Until stir(). Neither while a wait_readable() is pending. Without room in the system all stays as it is.
  /// `look`, unless empty, is called each time that something has come, also while nobody waits. It calls receive(), destroys no socket, does not
  /// throw, and says whether wait_readable() is to return.
  void rest(std::function<bool()> look = nullptr);
  void stir();

  /// From now on the kernel drops what is neither STUN nor from one of `sources` (at most 16); counted as kernel_drops(). A kernel without
  /// socket filters keeps on delivering all.
  void admit(std::span<const endpoint> sources) noexcept;
  /// Takes admit() back.
  void admit_all() noexcept;
  /// What the kernel dropped before receive(): by the filter, or as its buffer was full.
  std::uint32_t kernel_drops() const noexcept;

  /// Sends all of `batch` to `to` now, or drops and counts: drops "udp" "send-buffer" (the kernel's buffer is full), "too-large"
  /// (more than the route takes), "unreachable" (no route, or forbidden).
  void send(const datagram_batch& batch, const endpoint& to);
  void send(bytes_view datagram, const endpoint& to);

  /// The six DSCP bits of what is sent; false when the system refuses.
  bool set_dscp(unsigned dscp) noexcept;

  /// As datagram_pipe has it: with fragments what is larger than the path carries is cut by a router, or here where it is IPv6 (to 1 280 octets);
  /// without, it is lost, whatever the system knows of the path.
  void allow_fragments(bool allowed) noexcept;

 private:
  socket(udp_socket s, port_lease lease) noexcept;
  int fd() const noexcept;
  void hold(int descriptor);
  void dropped(int error, std::size_t how_many);

  port_lease lease_;  // returned after the socket is closed
  udp_socket socket_;            // closed while at rest
  std::unique_ptr<resting_place> resting_;  // has the descriptor while at rest
  endpoint local_;
  traffic traffic_;
  bool segmentation_ = true;  // until the kernel or the device refuses UDP_SEGMENT
  bool woken_ = false;        // wake() came, and no wait has seen it
  bool drained_ = false;      // the last receive() emptied the kernel's buffer
};

}  // namespace agw::udp
