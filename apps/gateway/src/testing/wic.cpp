#include "agw/gateway/testing/wic.hpp"

namespace agw::testing {

std::shared_ptr<const dtls::context> wic_identity() {
  static const auto made = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
  return made;
}

awaitable<void> tapped_pipe::receive(datagram_batch& into) {
  const auto before = into.size();
  co_await lower_.receive(into);
  for (std::size_t i = before; tap_ && i < into.size(); ++i) tap_(std::as_const(into)[i]);
}

void tapped_pipe::send(const datagram_batch& batch) {
  if (twist_) lower_.send(twist_(batch));
  else lower_.send(batch);
}

wic::wic(rig& r, bool with_ice, std::shared_ptr<const dtls::context> own) : identity(std::move(own)) {
  ice::config settings;
  settings.local_address = loopback;
  settings.use_ice = with_ice;
  settings.mode = ice::agent_mode::full;
  settings.controlling = true;
  endpoint = *ice::reserve(r.loop.get_executor(), settings, r.ports);
}

gateway::termination_change wic::call(std::vector<std::uint16_t> sids) const {
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

gateway::association_remote wic::remote() const {
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

awaitable<void> wic::establish(task_group& tasks, const gateway::association_answer& gateway) {
  co_await secure(tasks, gateway);
  co_await associate(tasks);
}

awaitable<void> wic::establish(task_group& tasks, std::uint16_t gateway_port) {
  co_await secure(tasks, gateway_port);
  co_await associate(tasks);
}

awaitable<void> wic::secure(task_group& tasks, std::uint16_t gateway_port) {
  gateway::association_answer plain;
  plain.port = gateway_port;
  co_await secure(tasks, plain);
}

awaitable<void> wic::secure(task_group& tasks, const gateway::association_answer& gateway) {
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

awaitable<void> wic::associate(task_group& tasks) {
  auto options = sctp_options;
  options.local_port = 5001;
  options.remote_port = 5000;
  options.dtls_client = true;
  auto opening = sctp::open(tasks, *tapped, options);
  association = co_await std::move(opening);
}

}  // namespace agw::testing
