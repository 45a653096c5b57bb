#include "wic.hpp"

namespace agw::load {

namespace {
constexpr std::uint16_t channel_id = 0;  // even: the WIC is the DTLS client
constexpr std::uint16_t streams = 4;     // a hundred octets each, and one is used
}  // namespace

result<std::unique_ptr<wic>> wic::open(loop_executor executor, const wic_settings& settings, std::uint64_t number) {
  auto path = wic_path::open(std::move(executor), settings.address, *settings.ports, settings.rtt, settings.mtu);
  if (!path) return path.error();
  return std::unique_ptr<wic>(new wic(settings, std::move(*path), number));
}

wic_description wic::description() const {
  wic_description out;
  out.address = path_->local();
  out.credentials = path_->credentials();
  out.fingerprint = settings_.identity->own().fingerprint().str();
  // Different ones: usrsctp finds them in a table by port.
  out.sctp_port = settings_.sctp_port != 0 ? settings_.sctp_port : static_cast<std::uint16_t>(5000 + number_ % 60000);
  if (!settings_.dcep) out.channel = channel_id;
  return out;
}

awaitable<void> wic::connect(stage_scope& scope, task_group& tasks, task_group& layers, const gateway_description& gateway) {
  auto checking = path_->connect(tasks, gateway.address, gateway.credentials, (number_ + 1) * 0x9E3779B97F4A7C15u);
  co_await scope.stage("ice", std::move(checking));
  dtls::handshake_config as_client(settings_.identity, dtls::role::active, gateway.fingerprints);
  as_client.max_datagram_bytes = settings_.mtu;
  auto shaking = dtls::handshake(*path_, std::move(as_client));
  session_ = co_await scope.stage("dtls", std::move(shaking));
  const auto executor = co_await asio::this_coro::executor;
  looked_at_.emplace(executor, [this] { return session_->look(); });
  sctp::config config;
  config.local_port = description().sctp_port;
  config.remote_port = gateway.sctp_port;
  config.peer_max_message_bytes = gateway.max_message_bytes;
  config.streams = streams;
  config.send_buffer_bytes = config.receive_buffer_bytes = settings_.buffer_bytes;
  config.fit_window = false;  // no browser's window does so
  config.dtls_client = true;
  config.heartbeat_after = std::chrono::seconds(30);  // as browsers have it
  auto opening = sctp::open(layers, *session_, config);
  association_ = co_await scope.stage("sctp", std::move(opening));
  channel_ = co_await scope.stage("channel", open_channel());
}

awaitable<std::unique_ptr<sctp::data_channel>> wic::open_channel() {
  if (!settings_.dcep) co_return co_await association_->open_channel(channel_id, "load", "msrp");
  sctp::dcep_open open;
  open.label = "load";
  open.protocol = "msrp";
  co_return co_await association_->open_with_dcep(std::move(open), channel_id);
}

void wic::drop() {
  channel_.reset();
  association_.reset();
  if (session_) session_->close();
}

}  // namespace agw::load
