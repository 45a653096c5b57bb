// The sockets of an ICE agent: one, or one for each address family.
#pragma once

#include <optional>

#include "agw/transports/udp.hpp"

namespace agw::ice {

/// Used like a udp::socket. Shard-bound. May be destroyed when no wait_readable() is pending.
class family_sockets {
 public:
  explicit family_sockets(udp::socket first, std::optional<udp::socket> second = {});

  /// Of the first; `second()` is null without another family.
  const udp::endpoint& local() const noexcept { return first_.local(); }
  const udp::socket* second() const noexcept { return second_ ? &*second_ : nullptr; }
  /// Of both.
  udp::traffic counted() const noexcept;

  /// What one of them has, both in turn; empty when neither has anything.
  std::span<const udp::arrival> receive();
  /// Waits until one of them has something. One at a time; cancel throws operation_aborted.
  awaitable<void> wait_readable();
  /// As udp::socket has them, for both.
  void wake() { first_.wake(); }
  void admit(std::span<const udp::endpoint> sources);
  void admit_all() noexcept;
  std::uint32_t kernel_drops() const noexcept;
  /// Sends from the socket of the address's family. Without one: drops "udp" "unreachable".
  void send(const datagram_batch& batch, const udp::endpoint& to);
  void send(bytes_view datagram, const udp::endpoint& to);
  bool set_dscp(unsigned dscp) noexcept;
  void allow_fragments(bool allowed) noexcept;
  /// Whether there is a socket of the address's family.
  bool reaches(const udp::endpoint& to) const noexcept;

 private:
  udp::socket* of_family(const udp::endpoint& to) noexcept;

  udp::socket first_;
  std::optional<udp::socket> second_;
  bool second_next_ = false;
};

}  // namespace agw::ice
