// How a bearer leaves its thread, or its Remote.
#include "bearer.hpp"
#include "policed_pipes.hpp"

namespace agw::gateway {

bearer::bearer(const gateway_services& services, loop_executor executor, std::string label, stream_link& link,
               stage_observer seen, parked_bearer from)
    : bearer(services, std::move(executor), std::move(label), link, std::move(seen)) {
  local_ = std::move(from.local);
  reserved_ = std::move(from.reserved);
  own_ = std::move(from.own);
  tls_keys_ = std::move(from.tls_keys);
  alternatives_ = std::move(from.alternatives);
  mode_ = from.mode;
  remote_ = std::move(from.remote);
  settings_ = std::move(from.settings);
  policer_.set(settings_.limits, clock::now());
  latching_ = from.latch;
  machine_ = std::move(from.machine);
  port_ = std::move(from.port);
  before_ = from.counted;
  discarded_ = from.discarded;
  since_ = from.since;
  auto options = services_.config.tcp;
  options.dscp = settings_.dscp;
  if (from.listener) {
    auto resumed = tcp::listener::resume(executor_, std::move(from.listener), options);
    if (resumed) listener_ = std::move(*resumed);
    else machine_.fail();
  }
  peer_ = std::move(from.peer);
  if (!from.connection) return;
  auto connection = std::make_unique<tcp::stream>(executor_, std::move(from.connection), options);
  connection_ = connection.get();
  stream_ = std::make_unique<policed_stream>(std::move(connection), policer_);
}

awaitable<parked_bearer> bearer::park() {
  co_await tasks_.stop();
  machine_.park();
  if (!stream_) connection_ = nullptr;
  parked_bearer out;
  out.counted = total();
  if (connection_) out.connection = connection_->park();
  if (listener_) out.listener = listener_->park();
  out.local = std::move(local_);
  out.reserved = std::move(reserved_);
  out.own = own_;
  out.tls_keys = tls_keys_;
  out.alternatives = std::move(alternatives_);
  out.mode = mode_;
  out.remote = std::move(remote_);
  out.settings = std::move(settings_);
  out.latch = latching_;
  out.machine = std::move(machine_);
  out.port = std::move(port_);
  out.discarded = discarded_;
  out.since = since_;
  out.peer = std::move(peer_);
  connection_ = nullptr;
  stream_.reset();
  listener_.reset();
  co_return out;
}

awaitable<parked_bearer> bearer::without_remote(deadline by) {
  co_await release(by);
  auto out = co_await park();
  out.remote.reset();
  out.peer.clear();
  out.latch = latching::off;
  out.machine.forget_remote();
  co_return out;
}

}  // namespace agw::gateway
