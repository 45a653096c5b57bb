// A link carries whole H.248 messages between us and peers: UDP, TCP with TPKT, SCTP. The endpoint above it knows no socket.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <agw/core/awaitable.hpp>
#include <agw/h248/link_address.hpp>

namespace agw::h248 {

/// Shard-bound. Owned by an endpoint; destroyed after run() has ended.
class message_link {
 public:
  virtual ~message_link() = default;

  virtual transport kind() const noexcept = 0;
  /// Where peers reach us.
  virtual peer_address local() const = 0;
  /// Whether the transport repeats what is lost by itself: then nothing is retransmitted above it while a connection stands.
  virtual bool reliable() const noexcept = 0;
  /// The longest message the transport can carry, bytes.
  virtual std::size_t max_message_bytes() const noexcept = 0;

  using peer_filter = std::function<bool(const peer_address&)>;
  /// Whose connections are taken; before run(). Datagrams are the endpoint's to judge.
  virtual void set_filter(peer_filter) {}

  using pace = std::function<bool(const peer_address&)>;
  /// Whether more is to be read from a connection now; before run(). Asked after each message; where the answer is no, the connection
  /// is not read until resume(), and its peer waits. Datagrams, and links that cannot wait, come nevertheless.
  virtual void set_pace(pace) {}
  virtual void resume() {}

  using receiver = std::function<void(const peer_address& from, std::string text)>;
  using state_observer = std::function<void(const peer_address& peer, bool connected)>;
  /// Receives until cancelled; calls `on_message` for each message. `on_state` tells when a connection comes and goes (never for
  /// UDP). Throws only when the link as a whole is lost. Call it once.
  virtual awaitable<void> run(receiver on_message, state_observer on_state) = 0;

  /// Sends one message, or queues it on a connection, which is dialled if there is none and this side may dial. Never waits. What
  /// cannot go out is dropped and counted, as on any network: the transaction layer repeats. False: there is no connection, and none
  /// is being made.
  virtual bool send(const peer_address& to, std::string_view text) = 0;
  /// The peer does not answer: what connects us with it is of no use any more. The next send() makes anew.
  virtual void drop(const peer_address&) {}
};

}  // namespace agw::h248
