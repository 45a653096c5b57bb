// The ICE-lite agent without I/O: datagrams and the time in; answers, verdicts and the selected remote address out.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "agw/core/pipe.hpp"
#include "agw/transports/ice_parameters.hpp"

namespace agw::ice {

/// What the first byte of a datagram says (RFC 7983, 7).
enum class datagram_kind { stun, dtls, other };
datagram_kind kind_of(bytes_view datagram) noexcept;

/// What an agent decides about a datagram.
enum class verdict {
  dropped,      ///< was counted: drops "ice" by cause
  handled,      ///< STUN that needs no answer
  answer,       ///< send the answer() to the source
  application,  ///< a DTLS datagram of a verified source
};

/// A lite agent is always controlled: it answers connectivity checks (RFC 8445, 7.3), takes the remote address that the peer
/// nominates, and knows when the last check came (consent, RFC 7675). It works before set_remote(), as checks may overtake the
/// answer. In the first seconds the nominated address of highest priority wins, for peers that nominate each pair they try; after
/// that the latest. Hostile input is dropped and counted under "malformed", "credentials" (none), "username", "integrity",
/// "role-conflict", "unknown-attribute", "method", "response", "unverified" (application data of an address from which no valid
/// check came) and "unknown-protocol". One agent's memory is bounded whatever arrives. Shard-bound.
class lite_agent {
 public:
  explicit lite_agent(credentials local);

  /// From now on checks must name the peer's ufrag, too. Another ufrag than before is the peer's restart: what was verified
  /// under the old one is forgotten, but the selected address stays until the next nomination.
  void set_remote(credentials remote, std::vector<candidate> candidates);

  /// `datagram` came from `source`; it is not kept.
  verdict on_datagram(std::span<std::byte> datagram, const udp::endpoint& source, clock::time_point now);

  /// After verdict::answer, until the next on_datagram() of any agent of this thread.
  bytes_view answer() const noexcept { return answer_; }

  /// Where to send: nothing before the first nomination.
  const std::optional<udp::endpoint>& selected() const noexcept { return selected_; }
  /// When the last valid check came, or what counts as one; nothing before the first one.
  const std::optional<clock::time_point>& last_check() const noexcept { return last_check_; }
  /// The selected peer gave a sign of life that is as good as a check; without effect before the first check.
  void heard(clock::time_point now) noexcept {
    if (last_check_) last_check_ = now;
  }
  bool verified(const udp::endpoint& source) const noexcept { return find(source) != nullptr; }
  /// A source of valid checks that no remote candidate names (RFC 8445, 7.3.1.3), each once; at most max_peers in a life.
  std::optional<udp::endpoint> take_peer_reflexive();
  const credentials& local() const noexcept { return local_; }

 private:
  struct peer {
    udp::endpoint address;
    std::uint32_t priority = 0;
    clock::time_point last_check;
  };
  static constexpr std::size_t max_peers = 16;

  verdict on_stun(std::span<std::byte> datagram, const udp::endpoint& source, clock::time_point now);
  void on_valid_check(const udp::endpoint& source, std::uint32_t priority, bool nominated, clock::time_point now);
  const peer* find(const udp::endpoint& source) const noexcept;
  peer& remember(const udp::endpoint& source, std::uint32_t priority, clock::time_point now);
  void note_peer_reflexive(const udp::endpoint& source);

  credentials local_;
  credentials remote_;
  std::vector<candidate> remote_candidates_;
  std::vector<peer> peers_;  // sources of valid checks, at most max_peers
  std::optional<udp::endpoint> selected_;
  std::vector<udp::endpoint> peer_reflexive_;  // all that were ever noted
  std::size_t peer_reflexive_taken_ = 0;
  std::optional<clock::time_point> last_check_;
  std::optional<clock::time_point> first_nomination_;  // of this generation of the peer's credentials
  bytes_view answer_;
};

}  // namespace agw::ice
