// A browser's side of a call, without the browser: ICE or plain UDP, DTLS, SCTP, in the test's process.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "agw/gateway/testing/rig.hpp"
#include "agw/transports/dtls.hpp"
#include "agw/transports/ice_stage.hpp"
#include "agw/transports/sctp_association.hpp"

namespace agw::testing {

/// The certificate of every WIC that is given none.
inline std::shared_ptr<const dtls::context> wic_identity() {
  static const auto made = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
  return made;
}

/// Makes of what is to be sent what is sent.
using packet_twist = std::function<datagram_batch(const datagram_batch&)>;

/// Passes what is received to an observer first, and what is sent through `twist`, if there is one.
class tapped_pipe final : public datagram_pipe {
 public:
  tapped_pipe(datagram_pipe& lower, std::function<void(bytes_view)>& tap, packet_twist& twist) : lower_(lower), tap_(tap), twist_(twist) {}
  awaitable<void> receive(datagram_batch& into) override {
    const auto before = into.size();
    co_await lower_.receive(into);
    for (std::size_t i = before; tap_ && i < into.size(); ++i) tap_(std::as_const(into)[i]);
  }
  void send(const datagram_batch& batch) override {
    if (twist_) lower_.send(twist_(batch));
    else lower_.send(batch);
  }
  std::size_t max_datagram_bytes() const noexcept override { return lower_.max_datagram_bytes(); }

 private:
  datagram_pipe& lower_;
  std::function<void(bytes_view)>& tap_;
  packet_twist& twist_;
};

/// A browser's side without the browser: an association over plain UDP, or with full ICE.
class wic {
 public:
  /// `own`: its certificate.
  explicit wic(rig& r, bool with_ice = false, std::shared_ptr<const dtls::context> own = wic_identity()) : identity(std::move(own)) {
    ice::config settings;
    settings.local_address = loopback;
    settings.use_ice = with_ice;
    settings.mode = ice::agent_mode::full;
    settings.controlling = true;
    endpoint = *ice::reserve(r.loop.get_executor(), settings, r.ports);
  }

  /// What the controller tells the gateway of us: streams 1 (the association) and the channels of `sids` from stream 2 on.
  gateway::termination_change call(std::vector<std::uint16_t> sids) const {
    auto out = change_of(access_side);
    gateway::stream_change deaggregation;
    gateway::association_local local;
    local.ice = !endpoint->local().credentials.ufrag.empty();
    local.sctp_port = 5000;
    local.setup = gateway::setup_role::passive;
    deaggregation.local = local;
    deaggregation.remote = remote();
    out.streams.emplace(s1, std::move(deaggregation));
    gateway::stream_group_config group;
    group.deaggregation = s1;
    std::uint16_t n = 2;
    for (const auto sid : sids) {
      out.streams.emplace(gateway::stream_number{n}, channel_change(sid));
      group.components.push_back(gateway::stream_number{n++});
    }
    out.groups = std::vector<gateway::stream_group_config>{group};
    return out;
  }

  gateway::association_remote remote() const {
    gateway::association_remote out;
    const auto& own = endpoint->local();
    out.address = loopback;
    out.port = own.address.port();
    out.ice_ufrag = own.credentials.ufrag;
    out.ice_pwd = own.credentials.pwd;
    out.candidates = own.candidates;
    out.fingerprints = {identity->own().fingerprint().str()};
    out.setup = gateway::setup_role::active;
    out.sctp_port = 5001;
    return out;
  }

  /// The layers, up to the association. `tasks` runs them.
  awaitable<void> establish(task_group& tasks, const gateway::association_answer& gateway) {
    co_await secure(tasks, gateway);
    co_await associate(tasks);
  }
  awaitable<void> establish(task_group& tasks, std::uint16_t gateway_port) {
    co_await secure(tasks, gateway_port);
    co_await associate(tasks);
  }
  awaitable<void> secure(task_group& tasks, std::uint16_t gateway_port) {
    gateway::association_answer plain;
    plain.port = gateway_port;
    co_await secure(tasks, plain);
  }
  awaitable<void> secure(task_group& tasks, const gateway::association_answer& gateway) {
    ice::remote_parameters there;
    there.address.emplace(loopback, gateway.port);
    there.credentials.ufrag = gateway.ice_ufrag;
    there.credentials.pwd = gateway.ice_pwd;
    there.candidates = gateway.candidates;
    there.lite = gateway.ice_lite;
    auto connecting = ice::connect(tasks, *endpoint, std::move(there));
    path = co_await std::move(connecting);
    dtls::handshake_config as_client(identity, dtls::role::active, {gateway_identity()->own().fingerprint()});
    auto shaking = dtls::handshake(*path, as_client);
    session = co_await std::move(shaking);
    tapped = std::make_unique<tapped_pipe>(*session, tap, twist);
  }
  awaitable<void> associate(task_group& tasks) {
    auto options = sctp_options;
    options.local_port = 5001;
    options.remote_port = 5000;
    options.dtls_client = true;
    auto opening = sctp::open(tasks, *tapped, options);
    association = co_await std::move(opening);
  }

  std::shared_ptr<const dtls::context> identity;
  sctp::config sctp_options;            ///< but for the ports
  std::function<void(bytes_view)> tap;  ///< sees every SCTP packet from the gateway
  packet_twist twist;                   ///< makes of the SCTP packets to the gateway what is sent
  std::unique_ptr<ice::endpoint> endpoint;
  std::unique_ptr<datagram_pipe> path;
  std::unique_ptr<dtls::session> session;
  std::unique_ptr<tapped_pipe> tapped;
  std::unique_ptr<sctp::association> association;
};

}  // namespace agw::testing
