// The ICE-lite endpoint as a machine without I/O: datagrams, what DTLS says of them, and the time in; verdicts, the route to send to and a
// deadline out. Plain UDP and latching, for peers without ICE, are states of it, too.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/transports/ice_agent.hpp"
#include "agw/transports/ice_parameters.hpp"

namespace agw::ice {

/// How far the path is.
enum class path_state {
  idle,     ///< nothing is known of the peer
  waiting,  ///< for a valid check, or for the first datagram where the address is learnt
  open,     ///< destination() says where to send
  lost,     ///< no sign of life for the consent timeout: nothing is sent any more (RFC 7675, 5.1)
};

/// How the peer's route is found.
enum class peer_kind {
  unknown,
  checking,  ///< it checks and nominates: the lite agent follows
  fixed,     ///< its address is known from SDP: no ICE, or a lite peer
};

/// One path. A peer whose address was fixed may take to ICE: its address stays in use until it nominates, for the consent timeout at most.
/// Latching, without ICE, follows only what DTLS has authenticated: until DTLS has done so once, answers go to the source of
/// the last handshake datagram; later another source takes over only when one of its datagrams was authentic. Shard-bound.
class lite_machine {
 public:
  /// Without credentials: plain UDP.
  lite_machine(std::optional<credentials> local, clock::duration consent_timeout);

  /// The peer's parameters, at first or changed. What is wrong with them (and then nothing has changed), or no error.
  error_code set_remote(const remote_parameters& remote, clock::time_point now);
  /// See lite_agent::restart().
  void restart(credentials local) { agent_.restart(std::move(local)); }
  /// See endpoint::begin_anew(). The next set_remote() says where the peer is.
  void begin_anew();

  /// verdict::answer: answer() goes back to the source. verdict::application: for DTLS.
  verdict receive(std::span<std::byte> datagram, const route& source, clock::time_point now);
  bytes_view answer() const noexcept { return agent_.answer(); }
  /// DTLS has authenticated a datagram of `source`.
  void heard(const route& source, clock::time_point now);
  /// The TCP connection of a route is closed.
  void gone(const route& source) { agent_.gone(source); }

  /// The source of the next authentic datagram becomes the remote address, once; `again`: of one from elsewhere than now. Without effect
  /// on a peer that checks.
  void latch(bool again) noexcept { latching_ = again ? latching::elsewhere : latching::anywhere; }
  void latch_off() noexcept {
    latching_ = latching::off;
    if (fixed_) answered_.reset();
  }

  path_state state() const noexcept;
  /// Where to send, in state open.
  std::optional<route> destination() const;
  /// The peer's address, if one is known, in whatever state.
  std::optional<udp::endpoint> remote_address() const;

  /// When timeout() is due, unless a sign of life comes before; nothing where no consent is needed.
  std::optional<clock::time_point> deadline() const;
  void timeout(clock::time_point now);

  const lite_agent& agent() const noexcept { return agent_; }
  std::optional<udp::endpoint> take_peer_reflexive() { return agent_.take_peer_reflexive(); }
  /// The address that latching has learnt, once.
  std::optional<udp::endpoint> take_latched() noexcept { return std::exchange(latched_, std::nullopt); }

 private:
  enum class latching { off, anywhere, elsewhere };
  void become_fixed();
  verdict receive_plain(bytes_view datagram, const route& source);

  lite_agent agent_;
  bool with_ice_;
  clock::duration consent_timeout_;
  peer_kind peer_ = peer_kind::unknown;
  bool lost_ = false;
  std::optional<udp::endpoint> fixed_;     // where a fixed peer is
  std::optional<clock::time_point> checks_since_;  // the fixed peer took to checking then; until its first nomination
  std::optional<udp::endpoint> answered_;  // while latching, before DTLS has authenticated anybody: the source of the last datagram
  bool authenticated_ = false;             // DTLS has authenticated a datagram of the fixed peer
  latching latching_ = latching::off;
  std::optional<udp::endpoint> latched_;
};

}  // namespace agw::ice
