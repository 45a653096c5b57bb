#include "bearer.hpp"

#include "agw/core/log.hpp"
#include "agw/gateway/source_filter.hpp"
#include "component.hpp"
#include "msrp_paths.hpp"
#include "policed_pipes.hpp"

namespace agw::gateway {

namespace {

refusal refuse(refusal_reason reason, std::string text) {
  refusal r;
  r.reason = reason;
  r.text = std::move(text);
  return r;
}

}  // namespace

bearer::bearer(const gateway_services& services, asio::any_io_executor executor, std::string label, stream_link& link,
               stage_observer seen)
    : services_(services),
      executor_(executor),
      link_(link),
      scope_(services.stages, label, link.number.value, std::move(seen)),
      tasks_(executor, label) {}

boost::system::result<bearer_answer, refusal> bearer::reserve(const bearer_local& local, const ip_address& own_address) {
  const ip_address address = local.address.value_or(own_address);
  if (local.setup != setup_role::active && !listener_) {
    auto opened = tcp::listener::open(executor_, address, *services_.ports, services_.config.tcp);
    if (!opened) return refuse(refusal_reason::no_resources, "no TCP port: " + opened.error().message());
    listener_ = std::move(*opened);
  }
  local_ = local;
  own_address_ = address;
  bearer_answer answer;
  answer.address = address;
  answer.port = listener_ ? listener_->local().port() : 9;  // RFC 4145, 4.1: the discard port for who only dials
  if (local_.choose_path) local_.path = {make_msrp_path(address, answer.port, local_.tls)};
  answer.path = local_.path;
  return answer;
}

boost::system::result<void, refusal> bearer::configure(const bearer_remote& remote) {
  if (remote.setup && *remote.setup != setup_role::actpass && local_.setup == *remote.setup) {
    return refuse(refusal_reason::conflict, "both sides have the same a=setup");
  }
  if (remote.port == 0) return refuse(refusal_reason::missing, "Remote has no port");
  remote_ = remote;
  changed_.set();
  return {};
}

// Local's role decides; with actpass in Local, Remote's; undecided on both sides, we listen.
bool bearer::active() const {
  if (local_.setup != setup_role::actpass) return local_.setup == setup_role::active;
  return remote_ && remote_->setup == setup_role::passive;
}

void bearer::set_waits(layer l, bool waits) {
  orders_[l].waits = waits;
  changed_.set();
}

void bearer::order(layer l) {
  orders_[l].ordered = true;
  changed_.set();
}

void bearer::order_all() {
  for (auto& entry : orders_) entry.second.ordered = true;
  changed_.set();
}

void bearer::apply(const stream_settings& settings) {
  settings_ = settings;
  policer_.set(settings.limits, clock::now());
  link_.core_interlinked = settings.interlinked;
  if (link_.interlinked() && link_.channel_is_up) order_all();
  const unsigned dscp = settings.dscp.value_or(0);
  if (listener_) listener_->set_dscp(dscp);
  if (connection_) connection_->set_dscp(dscp);
}

// A connection has one peer for life: what is learnt is who may dial, so it matters until somebody has.
void bearer::latch(latching how) { latching_ = how; }

awaitable<void> bearer::ordered(layer l) {
  while (orders_[l].waits && !orders_[l].ordered) co_await changed_.wait();
}

void bearer::start() {
  tasks_.spawn("bearer", [this] { return run(); });
}

awaitable<void> bearer::run() {
  try {
    while (!remote_) co_await changed_.wait();
    co_await ordered(layer::tcp);
    std::unique_ptr<tcp::stream> connection;
    if (active()) {
      connection = co_await scope_.stage("tcp", connect());
    } else {
      connection = co_await scope_.stage("tcp", accept(), stage_life::patient);
    }
    connected(*connection);
    std::unique_ptr<byte_stream> established;
    if (local_.tls) {
      co_await ordered(layer::tls);
      const auto as = active() ? tls::role::client : tls::role::server;
      auto handshake = tls::handshake(std::move(connection), services_.tls, as, tls_check(*remote_));
      established = co_await scope_.stage("tls", std::move(handshake));
    } else {
      established = std::move(connection);
    }
    stream_ = std::make_unique<policed_stream>(std::move(established), policer_);
    link_.core_changed.set();
    if (link_.wic && link_.interlinked()) link_.wic->order(layer::channel);
  } catch (stage_error& e) {
    if (!stream_) connection_ = nullptr;
    scope_.report(e);
  }
}

awaitable<std::unique_ptr<tcp::stream>> bearer::connect() {
  const tcp::endpoint remote(remote_->address, remote_->port);
  auto settings = services_.config.tcp;
  settings.dscp = settings_.dscp;
  return tcp::connect(remote, settings_.source_address.value_or(own_address_), settings, settings_.source_port.value_or(0));
}

// Without a filter of the controller's the remote address is the only one to come from; while latching, any.
bool bearer::admits(const tcp::endpoint& source) {
  source_filter filter;
  filter.by_address = latching_ == latching::off;
  if (settings_.filter) filter = *settings_.filter;
  // The mask holds while latching; the address that is to be learnt cannot.
  if (latching_ != latching::off && !filter.range) filter.by_address = false;
  if (latching_ != latching::off && !filter.ports) filter.by_port = false;
  const bool yes = gateway::admits(filter, remote_->address, remote_->port, source.address(), source.port());
  if (!yes) ++discarded_;
  return yes;
}

void bearer::connected(tcp::stream& connection) {
  connection_ = &connection;
  if (latching_ == latching::off) return;
  latching_ = latching::off;
  if (on_latched) on_latched(connection.remote().address(), connection.remote().port());
}

// Who listens cannot know when the peer will dial: the WIC may still be ringing. So the deadline counts from the moment the
// access side is up.
awaitable<std::unique_ptr<tcp::stream>> bearer::accept() {
  std::unique_ptr<tcp::stream> accepted;
  auto body = [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("patience", [this]() -> awaitable<void> {
      while (!link_.channel_is_up) co_await link_.channel_up.wait();
      co_await sleep_until(deadline_after(services_.config.accept_patience));
      throw stage_error("tcp", "timeout", make_error_code(core_error::timed_out));
    });
    std::function<bool(const tcp::endpoint&)> rule = [this](const tcp::endpoint& source) { return admits(source); };
    accepted = co_await listener_->accept_if(std::move(rule));
  };
  co_await with_tasks("accept", body);
  co_return accepted;
}

awaitable<void> bearer::close(deadline by) {
  co_await tasks_.stop();
  if (stream_) {
    co_await stream_->close(by);
    if (connection_) last_ = connection_->counted();
  }
  connection_ = nullptr;
  stream_.reset();
  listener_.reset();
}

stream_statistics bearer::statistics() const {
  const auto& counted = connection_ ? connection_->counted() : last_;
  stream_statistics out;
  out.octets_sent = counted.bytes_out;
  out.octets_received = counted.bytes_in;
  out.packets_discarded = discarded_;
  out.duration = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - since_);
  return out;
}

}  // namespace agw::gateway
