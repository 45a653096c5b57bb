// The sockets of an ICE agent: one, or one for each address family.
#pragma once

#include <memory>
#include <vector>

#include "ice/packet_port.hpp"

namespace agw::ice {

/// Used like a packet_port. Shard-bound. May be destroyed when no wait_readable() is pending.
class family_sockets {
 public:
  /// `second` may be null.
  explicit family_sockets(std::unique_ptr<packet_port> first, std::unique_ptr<packet_port> second = nullptr);

  /// Of the first; `second()` is null without another family.
  const udp::endpoint& local() const noexcept { return first_->local(); }
  const packet_port* second() const noexcept { return second_.get(); }
  /// Of both.
  udp::traffic counted() const noexcept;

  /// What one of them has, both in turn; empty when neither has anything.
  std::span<const udp::arrival> receive();
  /// Waits until one of them has something. One at a time; cancel throws operation_aborted.
  awaitable<void> wait_readable();
  /// As packet_port has them, for both.
  void wake() { first_->wake(); }
  void rest(std::function<bool()> look);
  void stir();
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
  bool shared() const noexcept { return first_->shared() || (second_ && second_->shared()); }
  bool name(std::string_view ufrag);
  bool claim(std::span<const udp::endpoint> sources);

 private:
  awaitable<void> wait_for_either();

  packet_port* of_family(const udp::endpoint& to) noexcept;
  // Those that come from the port's family.
  static std::vector<udp::endpoint> of_family(std::span<const udp::endpoint> sources, const packet_port& port);

  std::unique_ptr<packet_port> first_;
  std::unique_ptr<packet_port> second_;
  bool second_next_ = false;
};

}  // namespace agw::ice
