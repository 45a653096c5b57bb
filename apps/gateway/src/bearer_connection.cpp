// How a bearer's connection comes up, and how its end is seen.
#include "agw/core/log.hpp"
#include "agw/gateway/source_filter.hpp"
#include "bearer.hpp"
#include "component.hpp"
#include "msrp_paths.hpp"
#include "policed_pipes.hpp"

namespace agw::gateway {

awaitable<void> bearer::run() {
  try {
    co_await establish();
    looked_at_.emplace(executor_, [this] {
      look();
      return std::chrono::seconds(1);
    });
  } catch (stage_error& e) {
    if (!stream_) connection_ = nullptr;
    machine_.fail();
    scope_.report(e);
  }
}

awaitable<void> bearer::establish() {
  std::unique_ptr<tcp::stream> connection;
  std::unique_ptr<byte_stream> secured;
  for (;;) {
    const bearer_facts now{.remote = remote_.has_value(), .active = active(), .tls = local_.tls};
    switch (machine_.next(now)) {
      case bearer_step::wait: co_await changed_.wait(); break;
      case bearer_step::dial:
        connection = co_await scope_.stage("tcp", connect());
        connected(*connection);
        break;
      case bearer_step::accept:
        if (!listener_) listen_again();
        connection = co_await scope_.stage("tcp", accept(), stage_life::patient);
        connected(*connection);
        break;
      case bearer_step::secure: {
        const auto as = now.active ? tls::role::client : tls::role::server;
        auto handshake = tls::handshake(std::move(connection), tls_keys_, as, tls_check(*remote_));
        secured = co_await scope_.stage("tls", std::move(handshake));
        machine_.done();
        break;
      }
      case bearer_step::serve:
        if (!stream_) came_up(secured ? std::move(secured) : std::move(connection));
        co_return;
    }
  }
}

void bearer::connected(tcp::stream& connection) {
  connection_ = &connection;
  peer_ = to_text(connection.remote().address(), connection.remote().port());
  log::debug("{}: connected with {}", scope_.label(), peer_);
  machine_.done();
  if (latching_ == latching::off) return;
  latching_ = latching::off;
  if (on_latched) on_latched(connection.remote().address(), connection.remote().port());
}

void bearer::came_up(std::unique_ptr<byte_stream> established) {
  stream_ = std::make_unique<policed_stream>(std::move(established), policer_);
  if (link_->core != this) return;
  link_->core_is_up = true;
  if (link_->wic) link_->wic->core_came_up();
  link_->interlink();
}

// After a release by order: the peer knows only the port that it was told before.
void bearer::listen_again() {
  const tcp::endpoint at(own_.bound, reserved_.port);
  auto settings = services_.config.tcp;
  settings.dscp = settings_.dscp;
  auto opened = tcp::listener::reopen(executor_, at, std::move(port_), settings);
  if (!opened) throw stage_error("tcp", "port", opened.error());
  listener_ = std::move(*opened);
}

awaitable<std::unique_ptr<tcp::stream>> bearer::connect() {
  const tcp::endpoint remote(remote_->address, remote_->port);
  peer_.clear();
  auto settings = services_.config.tcp;
  settings.dscp = settings_.dscp;
  const bool ours = !settings_.source_address || *settings_.source_address == own_.shown;
  const auto from = ours ? own_.bound : *settings_.source_address;
  if (settings_.source_port || !services_.source_ports) return tcp::connect(remote, from, settings, settings_.source_port.value_or(0));
  return tcp::connect(remote, from, *services_.source_ports, settings);
}

// Without a filter by the controller connections are accepted from the remote address only; while latching, from any.
bool bearer::admits(const tcp::endpoint& source) {
  source_filter filter;
  filter.by_address = latching_ == latching::off;
  if (settings_.filter) filter = *settings_.filter;
  // While latching the configured range is applied, but not the remote address, which is still to be learnt.
  if (latching_ != latching::off && !filter.range) filter.by_address = false;
  if (latching_ != latching::off && !filter.ports) filter.by_port = false;
  const bool yes = gateway::admits(filter, remote_->address, remote_->port, source.address(), source.port());
  if (!yes) ++discarded_;
  return yes;
}

// A listening bearer cannot know when the peer will connect: the WIC may still be ringing. So the deadline counts from the moment the
// access side is up.
awaitable<std::unique_ptr<tcp::stream>> bearer::accept() {
  std::unique_ptr<tcp::stream> accepted;
  auto body = [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("patience", [this]() -> awaitable<void> {
      while (!link_->channel_is_up) co_await access_changed_.wait();
      co_await sleep_until(deadline_after(services_.config.accept_patience));
      throw stage_error("tcp", "timeout", make_error_code(core_error::timed_out));
    });
    std::function<bool(const tcp::endpoint&)> rule = [this](const tcp::endpoint& source) { return admits(source); };
    accepted = co_await listener_->accept_if(std::move(rule));
  };
  co_await with_tasks("accept", body);
  co_return accepted;
}

// A reader sees the end of the connection; but there may be no reader, without a WIC or because of its mode. What the peer sent before its
// FIN stays for a later reader.
void bearer::look() {
  if (!machine_.established() || !connection_) return;
  switch (connection_->look()) {
    case tcp::liveness::alive: break;
    case tcp::liveness::ended: died(gateway_event::kind::released, local_.tls ? layer::tls : layer::tcp, {}); break;
    case tcp::liveness::broken: died(gateway_event::kind::failed, layer::tcp, "tcp:reset"); break;
  }
}

}  // namespace agw::gateway
