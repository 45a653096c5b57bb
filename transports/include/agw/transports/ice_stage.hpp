// The ICE stage: from a reserved port to a path for DTLS datagrams to a verified peer.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agw/core/pipe.hpp"
#include "agw/core/task_group.hpp"
#include "agw/transports/ice_parameters.hpp"
#include "agw/transports/port_pool.hpp"

namespace agw::ice {

/// The ICE of one S1 stream: made when the termination reserves it, before anything is known of the peer, so that its address,
/// credentials and candidates are known for SDP. Shard-bound; outlives the path of connect() and the tasks that it spawned.
///
/// The socket is read only while connect() runs or the path's receive() is awaited. Until then checks and an early
/// ClientHello wait in the kernel's buffer: connect() first answers the checks; the ClientHello is delivered when a valid check came
/// from its address before it, else dropped: DTLS repeats it.
class endpoint {
 public:
  virtual ~endpoint() = default;

  virtual const local_parameters& local() const noexcept = 0;
  /// Waits until the STUN and TURN servers of the configuration have answered, failed, or `by` has passed: then local() has what they gave.
  /// At once without servers. Before connect(); once.
  virtual awaitable<void> gathered(deadline by) {
    static_cast<void>(by);
    co_return;
  }

  /// The stage; see ice::connect().
  virtual awaitable<std::unique_ptr<datagram_pipe>> connect(task_group& tasks, remote_parameters remote) = 0;

  /// The peer's parameters changed while the path is up: its ICE restart, late candidates, or a new address without ICE.
  /// Returns what is wrong with them (and then nothing has changed), or no error.
  virtual error_code update(const remote_parameters& remote) = 0;

  /// Where the path sends to; nothing before the first valid check.
  virtual std::optional<udp::endpoint> remote_address() const = 0;
  virtual udp::traffic counted() const noexcept = 0;
  /// The connectivity checks of the peer that were seen, in words, for the log; empty where nobody counts them.
  virtual std::string seen() const { return {}; }
  /// False: the system refused, or the agent's library cannot do it.
  virtual bool set_dscp(unsigned dscp) = 0;

  /// The gateway's half of an ICE restart: new credentials in local(). The peer's half comes with the next update(), at once when the
  /// restart is the peer's. The pair in use stays in use until another is nominated. transport_error::bad_credentials without ICE,
  /// ice_library; then nothing has changed.
  virtual error_code restart() = 0;

  /// Another connect() follows, to a peer that is to be found anew: what was selected or verified counts no more, and datagrams that wait are
  /// dropped. After the path of the first connect() and its tasks have ended.
  virtual void begin_anew() = 0;

  /// The layer above has authenticated what the path's last receive() yielded (which is always of one source): it counts as a check
  /// of that source, as RFC 7675 leaves the checking to the full agent, and some of those (Pion) send no check while traffic flows.
  virtual void heard() {}

  /// Without ICE: the source of the next authentic DTLS datagram becomes the remote address, once; `again` waits for one from elsewhere
  /// than now. Until then the known address stays in use; before the handshake's end answers go to the source of the last DTLS
  /// datagram. No effect with ICE, where checks do this.
  virtual void latch(bool again) { static_cast<void>(again); }
  /// Takes latch() back: the remote address stays what it is.
  virtual void latch_off() {}
  /// Datagrams are taken only from sources that the filter accepts; the others are counted (drops "ice" "filtered"). Empty: all.
  /// With the full agent, whose library reads the socket, of TCP connections only.
  std::function<bool(const udp::endpoint&)> admits;
  /// Called when latching has changed the remote address. May be empty.
  std::function<void(const udp::endpoint&)> on_latched;

  /// Called for every peer reflexive address that is found (ostuncc/nprc), on the shard. May be empty.
  std::function<void(const udp::endpoint&)> on_peer_reflexive;
};

/// Binds and, in full mode, gathers. transport_error::no_port, ice_library, or the system's error. Does not block.
result<std::unique_ptr<endpoint>> reserve(loop_executor executor, const config& settings, port_pool& ports);

/// Returns when a pair has been nominated (lite), is ready (full), or at once (without ICE; if latching after the first DTLS
/// datagram). The path's receive() answers checks inline and yields only DTLS datagrams of verified sources, so a receive()
/// must always be pending; its send() goes to the address nominated last, and nowhere once consent is lost. Throws stage_error "ice" with "failed" (full: every pair
/// failed), "error" (parameters that cannot be used, code says why); "timeout" is stage()'s. Cancel at any point leaves the
/// endpoint as it was, and connect() may be called again. One connect() and one path at a time.
/// A child "consent" goes into `tasks`, for the path's life: it throws stage_error "ice", "consent".
awaitable<std::unique_ptr<datagram_pipe>> connect(task_group& tasks, endpoint& local, remote_parameters remote);

}  // namespace agw::ice
