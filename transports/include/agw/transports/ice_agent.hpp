// The peers of an ICE-lite endpoint without I/O: datagrams and the time in; answers, verdicts and the selected route out.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
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

/// The way to a peer: its UDP address, or one of the TCP connections that it opened (RFC 6544).
struct route {
  route() = default;
  route(const udp::endpoint& from, std::uint32_t tcp = 0) noexcept : address(from), connection(tcp) {}  // NOLINT: a UDP address is one
  udp::endpoint address;
  std::uint32_t connection = 0;  ///< 0: UDP; else the number of the connection, never used twice by an endpoint
  friend bool operator==(const route&, const route&) = default;
};

/// Whether an error may be answered: a token bucket for the socket and one for each source's IP address. What nobody has
/// authenticated costs no more than that many answers, and a flood by one source leaves tokens for others.
class answer_limiter {
 public:
  static constexpr double socket_rate = 50, source_rate = 5;     ///< answers a second
  static constexpr double socket_burst = 50, source_burst = 10;  ///< tokens of a full bucket

  bool allow(const asio::ip::address& source, clock::time_point now) noexcept;

 private:
  struct bucket {
    void fill(clock::time_point now, double rate, double burst) noexcept;
    double tokens = 0;
    clock::time_point since{};
  };
  struct source_bucket {
    std::size_t source = 0;  // hash of the address; 0: free
    bucket left;
  };
  bucket socket_;
  std::array<source_bucket, 8> sources_;
};

/// A lite agent is always controlled: it answers connectivity checks (RFC 8445, 7.3), selects the route of the first valid one until the
/// peer nominates, and knows when the selected route gave its last sign of life (consent, RFC 7675): a valid check, or what DTLS has
/// authenticated. It works before set_remote(), as checks may overtake the answer. In the first seconds the nominated route of highest
/// priority wins, for peers that nominate each pair they try; after that the latest. A peer that does not nominate again when a NAT moves
/// it is followed: when the selected route has been silent for `silent_after` and another verified one carries authentic data, or for
/// `silent_long_after` and another one is still checked.
///
/// A restart, by the peer's new ufrag or by ours, begins a generation: the credentials of the one before stay valid, for checks that
/// keep its selected route alive, until a route is nominated under the new ones.
///
/// Hostile input is dropped and counted under "malformed", "credentials" (none), "username", "integrity", "role-conflict",
/// "unknown-attribute", "method", "response", "unverified" (application data of an address from which no valid check came),
/// "unknown-protocol" and "answer-limit" (an error that is not answered). One agent's memory is bounded whatever arrives. Shard-bound.
class lite_agent {
 public:
  static constexpr clock::duration silent_after = std::chrono::seconds(2);
  static constexpr clock::duration silent_long_after = std::chrono::seconds(12);
  static constexpr std::size_t max_peers = 16;

  explicit lite_agent(credentials local);

  /// From now on checks must name the peer's ufrag, too. Another ufrag than before is a restart by the peer alone.
  void set_remote(credentials remote, std::vector<candidate> candidates);
  /// A restart with new local credentials. The next set_remote() brings the peer's half.
  void restart(credentials local);
  /// Forgets the selected route; the next valid check selects one.
  void forget();
  /// Forgets every route, and the credentials of the generation before.
  void begin_anew();
  /// As forget(), but only a check under new credentials selects one.
  void revoke();

  /// `datagram` came from `source`; it is not kept.
  verdict on_datagram(std::span<std::byte> datagram, const route& source, clock::time_point now);
  /// DTLS has authenticated a datagram of `source`. Without effect for one from which no valid check came.
  void heard(const route& source, clock::time_point now);
  /// The connection of a route is closed.
  void gone(const route& source);

  /// After verdict::answer, until the next on_datagram() of any agent of this thread.
  bytes_view answer() const noexcept { return answer_; }

  /// Where to send: nothing before the first valid check.
  const std::optional<route>& selected() const noexcept { return selected_; }
  /// The selected route is not only the first from which a check came.
  bool nominated() const noexcept { return first_nomination_.has_value(); }
  /// When the selected route gave its last sign of life; nothing before there is one.
  const std::optional<clock::time_point>& last_sign() const noexcept { return last_sign_; }
  bool verified(const route& source) const noexcept { return find(source) != nullptr; }
  /// The verified UDP addresses; the number changes with each new one.
  std::vector<udp::endpoint> verified_addresses() const;
  std::uint32_t verified_changes() const noexcept { return changes_; }
  /// A source of valid checks that no remote candidate names (RFC 8445, 7.3.1.3), each once; at most max_peers in a life.
  std::optional<udp::endpoint> take_peer_reflexive();
  const credentials& local() const noexcept { return now_.local; }

  /// The connectivity checks that came, for who asks why none succeeded.
  struct check_counts {
    std::uint64_t valid = 0;
    std::uint64_t refused = 0;       ///< no credentials of ours, or wrong ones
    std::optional<route> last;       ///< the source of the last one of either
  };
  const check_counts& checks() const noexcept { return checks_; }

 private:
  struct peer {
    route from;
    std::uint32_t priority = 0;
    unsigned generation = 0;
    clock::time_point last_check;
    std::optional<clock::time_point> last_heard;
    clock::time_point last_sign() const noexcept { return last_heard ? std::max(last_check, *last_heard) : last_check; }
  };
  struct generation {
    credentials local;
    std::string remote_ufrag;  // empty: not known yet
  };
  struct valid_check {
    std::uint32_t priority = 0;
    bool nominated = false;
    bool old = false;  // under the credentials of the generation before
  };

  verdict on_stun(std::span<std::byte> datagram, const route& source, clock::time_point now);
  const std::string* password_of(std::string_view username, bool& old) const;
  void on_valid_check(const route& source, const valid_check& check, clock::time_point now);
  void follow(const peer& p, clock::time_point now);
  void select(const peer& p);
  void begin_generation();
  const peer* find(const route& source) const noexcept;
  peer& remember(const route& source, std::uint32_t priority, clock::time_point now);
  void note_peer_reflexive(const route& source);

  generation now_;
  std::optional<generation> before_;  // from a restart until the first nomination after it
  unsigned number_ = 0;               // of the generation
  bool revoked_ = false;              // the current generation may not nominate any more
  std::vector<candidate> remote_candidates_;
  std::vector<peer> peers_;  // sources of valid checks, at most max_peers
  std::uint32_t changes_ = 0;
  std::optional<route> selected_;
  std::optional<clock::time_point> last_sign_;
  std::vector<udp::endpoint> peer_reflexive_;  // all that were ever noted
  std::size_t peer_reflexive_taken_ = 0;
  std::optional<clock::time_point> first_nomination_;  // of this generation
  check_counts checks_;
  answer_limiter limiter_;
  bytes_view answer_;
};

}  // namespace agw::ice
