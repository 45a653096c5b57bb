// A stream group: the deaggregation stream with ICE, DTLS and SCTP, and its components. Reads like the call flow.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "agw/core/stage.hpp"
#include "agw/gateway/services.hpp"
#include "agw/transports/dtls.hpp"
#include "agw/transports/ice_stage.hpp"
#include "agw/transports/sctp_association.hpp"
#include "component.hpp"
#include "layer_orders.hpp"
#include "traffic_policer.hpp"

namespace agw::gateway {

/// Lives on the context's shard; close() before destruction.
class stream_group {
 public:
  stream_group(const gateway_services& services, loop_executor executor, std::string label, stream_number deaggregation,
               stage_observer seen);
  ~stream_group();

  /// Takes what Local asks for: the socket is bound and everything the answer names is decided. Once.
  boost::system::result<association_answer, refusal> reserve(const association_local& local, const interface_addresses& own,
                                                                bool controlling);
  /// After reserve(): waits for the candidates that servers give. answer_in() and the later answers have them.
  awaitable<void> gathered(deadline by);
  /// What was reserved, with c= and m= of that family where there are addresses of both.
  association_answer answer_in(ip_family family) const;
  /// Another description of what was reserved. Nothing: it would need something else.
  std::optional<association_answer> offer(const association_local& local) const;
  /// Whether apply() can do it, once reserved. refusal: conflict (a source that is not the local address and port, equal roles, a
  /// Local that asks for something else, another association over the same transport), missing, bad_value.
  boost::system::result<void, refusal> check(const stream_change& wanted) const;
  /// Why the association, which lives or for which INIT is under way, cannot carry a channel with this id; nothing when it can, or may.
  std::optional<refusal> check_id(std::uint16_t sid) const;
  /// Whether what check() agreed to needs a new DTLS and SCTP association (RFC 8842): then retire() comes before apply().
  bool renews(const stream_change& wanted) const;
  /// There is a Remote, and retire() has not forgotten it.
  bool has_remote() const noexcept { return remote_ && progress_ != progress::retired; }
  /// The association ends in order, as in finish(), flush() and close(); the socket and the components stay.
  awaitable<void> retire(deadline flushed);
  bool retiring() const noexcept { return progress_ == progress::retiring; }
  /// What check() agreed to. The layers start with the first Remote, and with one after retire(); another one updates ICE (candidates,
  /// restart). A restart, by the WIC or asked for in Local, changes the credentials in reserved(), a new association its tls_id.
  void apply(const stream_change& wanted);
  const association_answer& reserved() const noexcept { return reserved_; }
  void order(layer l);
  void latch(latching how);
  /// The endpoint found (kind::candidate) or learnt (kind::latched) an address of the WIC.
  std::function<void(gateway_event::kind, const udp::endpoint&)> on_address;
  awaitable<void> release(layer l);
  /// Whether the layer is established.
  bool has(layer l) const noexcept { return l == layer::sctp ? association_ != nullptr : l == layer::dtls && dtls_ != nullptr; }
  /// True for the first caller: the end of the association is reported once, whichever part sees it first.
  bool ends_now() noexcept { return !std::exchange(ended_, true); }
  void start();

  /// Components join and leave while the association lives.
  void add(std::shared_ptr<component> c);
  awaitable<void> remove(stream_number n);

  /// The end of a call, in two steps, so that all of its groups take their time at once: the components are asked to hand on what is under way, for
  /// which they have until `by`; then SHUTDOWN and close_notify, and the tree is cancelled and joined.
  void finish();
  awaitable<void> flush(deadline by);
  awaitable<void> close(deadline by);

  stage_scope& scope() noexcept { return scope_; }
  stream_number number() const noexcept { return number_; }
  /// For log lines, after a move.
  void rename(std::string label) { scope_.rename(std::move(label)); }
  stream_statistics statistics() const;
  /// "203.0.113.5:4242": where the association goes, or went; empty while that is not known.
  std::string peer() const;
  const association_local& local() const noexcept { return local_; }

 private:
  /// How far the layers are.
  enum class progress : std::uint8_t {
    waiting,      ///< for Remote, or the order for ICE
    connecting,   ///< ICE
    shaking,      ///< DTLS or SCTP are coming up
    serving,      ///< the association is up
    ended,        ///< by a failure or the peer
    retiring,     ///< retire() runs
    retired,      ///< the next Remote starts anew
  };

  std::string remark() const;
  std::string remark_of(const component& c) const;
  awaitable<void> run();
  awaitable<void> order_for_dtls();
  awaitable<void> answer_checks();
  awaitable<void> establish(task_group& tasks);
  awaitable<void> serve_components(task_group& tasks);
  awaitable<void> ordered(layer l);
  association_answer answer_for(const association_local& local) const;
  const char* another_association(const association_local& ours, const association_remote& theirs) const;
  bool another_transport(const association_local& ours, const association_remote& theirs) const;
  bool renews(const association_local& ours, const association_remote& theirs) const;
  void choose_tls_id(const association_local* local, bool anew, bool asks_restart);
  void show_default_candidate();
  awaitable<void> end_layers(deadline by);
  void begin_anew();
  void restart_ice(const stream_change& wanted);
  void configure(const association_remote& remote);
  void report_ice(error_code failed);
  void apply(const stream_settings& settings);
  dtls::handshake_config dtls_config() const;
  sctp::config sctp_config() const;

  const gateway_services& services_;
  loop_executor executor_;
  stream_number number_;
  stage_scope scope_;
  task_group tasks_;
  association_local local_;
  association_answer reserved_;
  udp::endpoint other_family_;  ///< with ICE on an interface of two addresses: what c= and m= say in the other family; else port 0
  std::optional<association_remote> remote_;
  stream_settings settings_;
  traffic_policer policer_;
  std::uint64_t discarded_ = 0;
  std::vector<dtls::fingerprint> fingerprints_;
  std::uint16_t local_sctp_port_ = 0;
  std::shared_ptr<const dtls::context> dtls_keys_;  ///< those that the answer named
  bool restart_offered_ = false;  ///< ours, until Remote brings the answer
  bool renewal_offered_ = false;  ///< with it: a new tls_id
  progress progress_ = progress::waiting;
  dtls::role role_ = dtls::role::passive;  ///< in the handshake, from `shaking` on
  std::unique_ptr<ice::endpoint> endpoint_;
  // The layers, from the bottom; they outlive the tasks that use them.
  std::unique_ptr<datagram_pipe> path_;
  std::unique_ptr<dtls::session> dtls_;
  std::unique_ptr<sctp::association> association_;
  std::optional<sctp::config> sctp_;  ///< what INIT says
  std::map<stream_number, std::shared_ptr<component>> components_;
  layer_orders orders_;
  event changed_;
  event components_changed_;
  bool ended_ = false;
  clock::time_point since_ = clock::now();
  stream_statistics last_;  ///< of the layers that were closed
};

}  // namespace agw::gateway
