// ICE over TCP for an agent that knows UDP only: each connection has a UDP socket towards it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "ice/tcp_side.hpp"

namespace agw::ice {

/// libnice accepts TCP connections without a bound and keeps each for the agent's life, whatever comes over it. So the connections are
/// those of a tcp_side, and what they carry goes to the agent by UDP, from a socket of the agent's own address for each: a leg, which the
/// agent takes for a peer reflexive candidate. No such source comes from outside: the system drops it. (libnice gets nowhere with a peer on the loopback
/// interface while it is not there itself.) A leg is made by the first STUN message of a connection and ends with that. The answers to
/// checks name the TCP peer's address again. Shard-bound; outlives serve().
class tcp_bridge final : private tcp_owner {
 public:
  /// `agent`: where the agent's UDP socket is bound.
  tcp_bridge(std::unique_ptr<tcp_side> tcp, const udp::endpoint& agent);
  ~tcp_bridge() override;

  std::uint16_t port() const noexcept { return tcp_->port(); }
  bool set_dscp(unsigned dscp) noexcept { return tcp_->set_dscp(dscp); }
  /// Until cancelled. One at a time.
  awaitable<void> serve();
  /// Readers go on, after is_congested() was true.
  void resume() { tcp_->resume(); }

  /// Whether the address is a leg's, of one that has ended, too.
  bool is_leg(const udp::endpoint& address) const noexcept;
  /// The TCP peer behind a leg; nothing when it has ended.
  std::optional<udp::endpoint> peer_behind(const udp::endpoint& leg) const;
  /// The leg over which the peer nominated or sent application data last, after a valid check; each time once.
  std::optional<udp::endpoint> take_preferred() noexcept { return std::exchange(preferred_, std::nullopt); }

  /// Whether a leg has ended since the last call.
  bool take_ended() noexcept { return std::exchange(has_ended_, false); }

  /// Called when take_preferred() or take_ended() says something new.
  std::function<void()> on_change;
  /// As endpoint::admits.
  std::function<bool(const udp::endpoint& source)> is_admitted;
  std::function<bool()> is_congested;
  /// With which the agent answers checks.
  std::function<std::string_view()> password;

 private:
  struct leg;
  std::shared_ptr<leg> open_leg(const route& source);
  awaitable<void> carry(std::shared_ptr<leg> l);
  void to_peer(leg& l, std::span<std::byte> datagram);
  void prefer(const leg& l);

  bool admits_connection(const udp::endpoint& from) override { return is_admitted(from); }
  bool on_frame(std::span<std::byte> frame, const route& source) override;
  bool congested() const override { return is_congested(); }
  void on_gone(const route& source) override;

  std::unique_ptr<tcp_side> tcp_;
  udp::endpoint agent_;
  port_pool any_port_{0, 0};  // nobody else is told of a leg's port
  std::map<std::uint32_t, std::shared_ptr<leg>> legs_;
  std::array<std::uint16_t, 16> ended_{};  // ports of legs, the oldest is forgotten
  std::size_t next_ended_ = 0;
  bool has_ended_ = false;
  std::optional<udp::endpoint> preferred_;
  task_group* tasks_ = nullptr;  // while serve() runs
};

}  // namespace agw::ice
