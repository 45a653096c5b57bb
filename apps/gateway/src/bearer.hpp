// TCP or TLS towards the core: one stream of a core termination.
#pragma once

#include <memory>
#include <optional>

#include "agw/core/stage.hpp"
#include "agw/core/sweep.hpp"
#include "agw/gateway/services.hpp"
#include "bearer_machine.hpp"
#include "link.hpp"
#include "own_address.hpp"
#include "traffic_policer.hpp"

namespace agw::gateway {

/// A bearer on its way to another thread: what it is, and its sockets.
struct parked_bearer {
  bearer_local local;
  bearer_answer reserved;
  own_address own;
  std::shared_ptr<tls::context> tls_keys;
  std::vector<bearer_local> alternatives;
  stream_mode mode = stream_mode::inactive;
  std::optional<bearer_remote> remote;
  stream_settings settings;
  latching latch = latching::off;
  bearer_machine machine;
  tcp::parked_socket listener;
  tcp::parked_socket connection;
  port_lease port;
  tcp::traffic counted;
  std::uint64_t discarded = 0;
  clock::time_point since;
  std::string peer;
};

/// Listens from reserve() on when its role may become passive; dials as soon as the remote address is known when it is active.
/// Does not wait for the access side. Lives on the context's shard; close() before destruction.
class bearer {
 public:
  using observer = std::function<void(const stage_event&)>;

  bearer(const gateway_services& services, loop_executor executor, std::string label, stream_link& link,
         stage_observer seen);
  /// Resumes a parked bearer on this executor, up to start().
  bearer(const gateway_services& services, loop_executor executor, std::string label, stream_link& link,
         stage_observer seen, parked_bearer from);
  ~bearer();

  /// Whether park() is possible: TLS stays with its thread once it knows its peer.
  bool can_park() const noexcept { return !local_.tls || !remote_; }
  /// After part(): ends the branch and yields the bearer's state. A connection that was being dialled is dialled anew.
  awaitable<parked_bearer> park();

  /// Binds what Local asks for. refusal: no_resources, conflict.
  boost::system::result<bearer_answer, refusal> reserve(const bearer_local& local, const interface_addresses& own);
  /// Another description of what was reserved, which Remote may choose by its protocol. Nothing: it would need something else.
  std::optional<bearer_answer> offer(const bearer_local& local);
  /// Whether apply() can do it, once reserved. refusal: conflict (equal roles, a Local that asks for something else), missing.
  boost::system::result<void, refusal> check(const stream_change& wanted) const;
  /// What check() agreed to; the connection starts with the first Remote.
  void apply(const stream_change& wanted);
  const bearer_answer& reserved() const noexcept { return reserved_; }
  void order(layer l);
  /// The access end is up, and the two are interlinked: nothing waits any more.
  void order_all();
  /// The access end of the link came, or its channel is up.
  void access_changed() { access_changed_.set(); }
  void latch(latching how);
  /// Called when the remote address was learnt.
  std::function<void(const ip_address&, std::uint16_t)> on_latched;
  /// Starts the branch's task and becomes the link's core end, as soon as there is no other. Once.
  void start();
  /// Leaves the link, once the stage at its other end has ended. `cut`: see component::part(); false: nothing has happened.
  awaitable<bool> part(bool cut, deadline by);
  /// Takes another link, of another context; after part().
  void join(stream_link& link);
  /// For log lines, after a move.
  void rename(std::string label) { scope_.rename(std::move(label)); }
  void set_mode(stream_mode mode);

  /// Whether the stream has such a layer, established or not.
  bool has(layer l) const noexcept { return l == layer::tcp || (l == layer::tls && local_.tls); }

  /// The established stream, or null while it is not there. Broken streams stay: their reader sees the error.
  byte_stream* established() noexcept { return stream_.get(); }
  /// FIN, and the end of the branch.
  awaitable<void> close(deadline by);
  /// After part(): closes what stands towards the remote end and gives out the rest, with its own port, for a bearer that begins anew with the next
  /// Remote.
  awaitable<parked_bearer> without_remote(deadline by);
  /// The same by order: a later order establishes it anew, at the same port where we listen.
  awaitable<void> release(deadline by);
  /// The connection's end was seen, here or by its reader: reported once, through on_death, if it was established.
  void died(gateway_event::kind what, layer l, std::string cause);
  std::function<void(gateway_event::kind, layer, std::string cause)> on_death;

  stream_statistics statistics() const;
  /// "192.0.2.7:2855": where the connection goes, went or will go; empty while that is not known.
  std::string peer() const;
  /// What the remote end has taken of what was sent on the connection that lives, octets.
  std::uint64_t taken_bytes() const { return connection_ ? connection_->acknowledged_bytes() : 0; }
  const bearer_local& local() const noexcept { return local_; }
  const bearer_remote* remote() const noexcept { return remote_ ? &*remote_ : nullptr; }
  stage_scope& scope() noexcept { return scope_; }

 private:
  void serve();
  awaitable<void> establish();
  awaitable<void> run();
  void look();
  void leave();
  void take_place();
  void configure(const bearer_remote& remote);
  void apply(const stream_settings& settings);
  bearer_answer answer_for(bearer_local& local) const;
  tcp::traffic total() const;
  void listen_again();
  awaitable<std::unique_ptr<tcp::stream>> connect();
  awaitable<std::unique_ptr<tcp::stream>> accept();
  bool active() const;
  bool admits(const tcp::endpoint& source);
  void connected(tcp::stream& connection);
  void came_up(std::unique_ptr<byte_stream> established);

  const gateway_services& services_;
  loop_executor executor_;
  stream_link* link_;
  stage_scope scope_;
  task_group tasks_;
  bearer_local local_;
  bearer_answer reserved_;
  std::vector<bearer_local> alternatives_;  ///< until Remote is known
  stream_mode mode_ = stream_mode::inactive;
  std::optional<bearer_remote> remote_;
  own_address own_;
  std::shared_ptr<tls::context> tls_keys_;  ///< those that the answer named
  std::unique_ptr<tcp::listener> listener_;
  port_lease port_;  ///< of the listener that a release by order has closed
  std::unique_ptr<byte_stream> stream_;
  bearer_machine machine_;
  event changed_;
  event access_changed_;
  stream_settings settings_;
  traffic_policer policer_;
  latching latching_ = latching::off;
  std::uint64_t discarded_ = 0;
  std::string peer_;                   ///< of the last connection
  tcp::stream* connection_ = nullptr;  ///< the connection below, while it lives
  tcp::traffic before_;  ///< of connections that are gone
  clock::time_point since_ = clock::now();
  std::optional<sweep_entry> looked_at_;
};

}  // namespace agw::gateway
