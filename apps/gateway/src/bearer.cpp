#include "bearer.hpp"

#include "agw/core/log.hpp"
#include "agw/gateway/source_filter.hpp"
#include "component.hpp"
#include "local_difference.hpp"
#include "msrp_paths.hpp"
#include "policed_pipes.hpp"
#include "refuse.hpp"

namespace agw::gateway {

bearer::bearer(const gateway_services& services, asio::any_io_executor executor, std::string label, stream_link& link,
               stage_observer seen)
    : services_(services),
      executor_(executor),
      link_(&link),
      scope_(services.stages, label, link.number.value, std::move(seen)),
      tasks_(executor, label) {}

bearer::bearer(const gateway_services& services, asio::any_io_executor executor, std::string label, stream_link& link,
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
  orders_ = std::move(from.orders);
  port_ = std::move(from.port);
  before_ = from.counted;
  discarded_ = from.discarded;
  dead_ = from.dead;
  released_ = from.released;
  failed_ = from.failed;
  since_ = from.since;
  auto options = services_.config.tcp;
  options.dscp = settings_.dscp;
  if (from.listener) {
    auto resumed = tcp::listener::resume(executor_, std::move(from.listener), options);
    if (resumed) listener_ = std::move(*resumed);
    else failed_ = true;
  }
  if (!from.connection) return;
  auto connection = std::make_unique<tcp::stream>(executor_, std::move(from.connection), options);
  connection_ = connection.get();
  stream_ = std::make_unique<policed_stream>(std::move(connection), policer_);
}

bearer::~bearer() { leave(); }

awaitable<parked_bearer> bearer::park() {
  co_await tasks_.stop();
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
  out.orders = std::move(orders_);
  out.port = std::move(port_);
  out.discarded = discarded_;
  out.dead = dead_;
  out.released = released_;
  out.failed = failed_;
  out.since = since_;
  connection_ = nullptr;
  stream_.reset();
  listener_.reset();
  co_return out;
}

awaitable<parked_bearer> bearer::without_remote(deadline by) {
  co_await release(by);
  auto out = co_await park();
  out.remote.reset();
  out.latch = latching::off;
  out.dead = out.released = out.failed = false;
  co_return out;
}

boost::system::result<bearer_answer, refusal> bearer::reserve(const bearer_local& local, const interface_addresses& own) {
  const auto at = choose_address(own, local.address, local.family);
  if (!at) return at.error();
  if (local.setup != setup_role::active && !listener_) {
    auto opened = tcp::listener::open(executor_, at->bound, *services_.ports, services_.config.tcp);
    if (!opened) return refuse(refusal_reason::no_resources, "no TCP port: " + opened.error().message());
    listener_ = std::move(*opened);
  }
  local_ = local;
  own_ = *at;
  tls_keys_ = services_.tls.current();
  reserved_ = answer_for(local_);
  if (const auto* line = resource_difference(reserved_, local_)) {
    return refuse(refusal_reason::bad_value, std::string(line) + ": the gateway chooses it, ask with $");
  }
  return reserved_;
}

// A path that was asked with $ becomes part of the description.
bearer_answer bearer::answer_for(bearer_local& local) const {
  bearer_answer answer;
  answer.address = own_.shown;
  answer.port = listener_ ? listener_->local().port() : 9;  // RFC 4145, 4.1: the discard port of an active end
  if (local.choose_path) local.path = {make_msrp_path(own_.shown, answer.port, local.tls)};
  answer.path = local.path;
  const auto own = local.tls && tls_keys_ ? tls_keys_->own_fingerprint() : std::nullopt;
  if (own) answer.fingerprint = own->str();
  return answer;
}

std::optional<bearer_answer> bearer::offer(const bearer_local& local) {
  if (resource_difference(reserved_, local) || (local.setup != setup_role::active && !listener_)) return std::nullopt;
  alternatives_.push_back(local);
  return answer_for(alternatives_.back());
}

boost::system::result<void, refusal> bearer::check(const stream_change& wanted) const {
  const auto local = only<bearer_local>(wanted.local, "Local");
  if (!local) return local.error();
  const auto remote = only<bearer_remote>(wanted.remote, "Remote");
  if (!remote) return remote.error();
  auto role = local_.setup;
  if (*local) {
    const auto* line = resource_difference(reserved_, **local);
    if (!line && (*local)->setup != setup_role::active && !listener_) line = difference(local_, **local);
    if (!line && remote_) line = difference(local_, **local);
    if (line) return refuse(refusal_reason::conflict, std::string(line) + ": the stream has another already");
    role = (*local)->setup;
  }
  if (const auto& from = wanted.settings ? wanted.settings->source_address : std::nullopt) {
    if (*from != own_.shown && (from->is_v6() != own_.bound.is_v6() || !tcp::is_local(*from))) {
      return refuse(refusal_reason::bad_value, "a source address that is not the gateway's");
    }
  }
  if (*remote) {
    if ((*remote)->setup && *(*remote)->setup != setup_role::actpass && role == *(*remote)->setup) {
      return refuse(refusal_reason::conflict, "both sides have the same a=setup");
    }
    if ((*remote)->port == 0) return refuse(refusal_reason::missing, "Remote has no port");
    if ((*remote)->address.is_v6() != own_.bound.is_v6())
      return refuse(refusal_reason::conflict, "c= of another family than ours");
    // Remote chooses among the alternatives; a connection that has begun keeps its peer.
    const auto& ours = *local ? **local : local_;
    const bool choosy = !alternatives_.empty() && wanted.keep_alternatives.value_or(true);
    if (!choosy && (*remote)->tls != ours.tls)
      return refuse(refusal_reason::conflict, "m= with TLS on one side only");
    if (remote_ && !released_ && !wanted.forget_remote && (remote_->address != (*remote)->address || remote_->port != (*remote)->port)) {
      return refuse(refusal_reason::conflict, "m=, c=: the stream has another peer already");
    }
  }
  const bool chosen_by_remote = *remote && !alternatives_.empty();
  if (chosen_by_remote ? (*remote)->msrp_aware : (*local ? **local : local_).msrp_aware) {
    const auto* const wic = link_->wic;
    auto bad = check_paths({*local ? &(*local)->path : &local_.path, *remote ? &(*remote)->path : nullptr,
                            wic ? &wic->local().path : nullptr, wic ? &wic->remote().path : nullptr});
    if (bad) return std::move(*bad);
  }
  return {};
}

void bearer::apply(const stream_change& wanted) {
  if (wanted.local && !remote_) {
    auto local = std::get<bearer_local>(*wanted.local);
    if (local.choose_path && !local_.path.empty()) {  // it has been chosen
      local.choose_path = false;
      local.path = local_.path;
    }
    if (local.path.empty()) local.path = local_.path;
    if (local.setup == setup_role::active) listener_.reset();
    local_ = std::move(local);
    alternatives_.clear();
    reserved_ = answer_for(local_);
  }
  if (!wanted.keep_alternatives.value_or(true)) alternatives_.clear();
  orders_.set(wanted.waits_for_order);
  if (!wanted.waits_for_order.empty()) changed_.set();
  if (wanted.settings) apply(*wanted.settings);
  if (wanted.mode) set_mode(*wanted.mode);
  if (wanted.remote) configure(std::get<bearer_remote>(*wanted.remote));
}

void bearer::configure(const bearer_remote& remote) {
  remote_ = remote;
  const bool fits = local_.tls == remote.tls && local_.msrp_aware == remote.msrp_aware;
  for (const auto& other : alternatives_) {
    if (fits || other.tls != remote.tls || other.msrp_aware != remote.msrp_aware) continue;
    local_ = other;
    break;
  }
  alternatives_.clear();
  changed_.set();
}

// Local's role decides; with actpass in Local, Remote's; undecided on both sides, we listen.
bool bearer::active() const {
  if (local_.setup != setup_role::actpass) return local_.setup == setup_role::active;
  return remote_ && remote_->setup == setup_role::passive;
}

void bearer::order(layer l) {
  orders_.give(l);
  changed_.set();
  if (!released_ || !remote_) return;
  released_ = failed_ = false;
  serve();
}

void bearer::died(gateway_event::kind what, layer l, std::string cause) {
  if (std::exchange(dead_, true)) return;
  if (on_death) on_death(what, l, std::move(cause));
}

awaitable<void> bearer::release(deadline by) {
  if (listener_) port_ = listener_->keep_port();
  if (!active() && connection_) port_ = connection_->keep_port();
  co_await close(by);
  orders_.take_back();
  released_ = true;
}

// A reader sees the end of the connection; but there may be no reader, without a WIC or because of its mode. What the peer sent before its
// FIN stays for a later reader.
awaitable<void> bearer::watch() {
  while (!dead_ && connection_) {
    co_await sleep_until(deadline_after(std::chrono::seconds(1)));
    if (!connection_) co_return;
    switch (connection_->look()) {
      case tcp::liveness::alive: break;
      case tcp::liveness::ended: died(gateway_event::kind::released, local_.tls ? layer::tls : layer::tcp, {}); break;
      case tcp::liveness::broken: died(gateway_event::kind::failed, layer::tcp, "tcp:reset"); break;
    }
  }
}

void bearer::order_all() {
  orders_.give_all();
  changed_.set();
}

void bearer::apply(const stream_settings& settings) {
  settings_ = settings;
  policer_.set(settings.limits, clock::now());
  if (link_->core == this) link_->core_interlinked = settings.interlinked;
  if (link_->interlinked() && link_->channel_is_up) order_all();
  const unsigned dscp = settings.dscp.value_or(0);
  if (listener_) listener_->set_dscp(dscp);
  if (connection_) connection_->set_dscp(dscp);
}

// A connection keeps its peer: latching decides who may connect, so it has no effect once there is a connection.
void bearer::latch(latching how) { latching_ = how; }

awaitable<void> bearer::ordered(layer l) {
  while (orders_.holds(l)) co_await changed_.wait();
}

void bearer::serve() {
  tasks_.spawn("bearer", [this] { return run(); });
}

void bearer::start() {
  if (!failed_ && !released_) serve();
  if (link_->add(this)) take_place();
}

awaitable<bool> bearer::part(bool cut, deadline by) {
  if (link_->core == this && link_->wic) {
    const bool parted = co_await link_->wic->part(false, cut, by);
    if (!parted) co_return false;
  }
  leave();
  co_return true;
}

void bearer::leave() {
  if (!link_->remove(this)) return;
  if (link_->core) {
    link_->core->take_place();
  } else if (link_->wic) {
    link_->wic->core_changed();
  }
}

void bearer::join(stream_link& link) {
  link_ = &link;
  if (link.add(this)) take_place();
}

void bearer::take_place() {
  link_->core_interlinked = settings_.interlinked;
  set_mode(mode_);
  if (link_->interlinked() && link_->channel_is_up) order_all();
  access_changed_.set();
  if (link_->wic) link_->wic->core_changed();
}

void bearer::set_mode(stream_mode mode) {
  mode_ = mode;
  if (link_->core != this) return;
  link_->core_mode = mode;
  link_->open_or_close_gate();
}

awaitable<void> bearer::run() {
  try {
    if (!stream_) co_await establish();
    co_await watch();
  } catch (stage_error& e) {
    if (!stream_) connection_ = nullptr;
    failed_ = !stream_;
    scope_.report(e);
  }
}

awaitable<void> bearer::establish() {
  while (!remote_) co_await changed_.wait();
  co_await ordered(layer::tcp);
  std::unique_ptr<tcp::stream> connection;
  if (active()) {
    connection = co_await scope_.stage("tcp", connect());
  } else {
    if (!listener_) listen_again();
    connection = co_await scope_.stage("tcp", accept(), stage_life::patient);
  }
  connected(*connection);
  std::unique_ptr<byte_stream> established;
  if (local_.tls) {
    co_await ordered(layer::tls);
    const auto as = active() ? tls::role::client : tls::role::server;
    auto handshake = tls::handshake(std::move(connection), tls_keys_, as, tls_check(*remote_));
    established = co_await scope_.stage("tls", std::move(handshake));
  } else {
    established = std::move(connection);
  }
  stream_ = std::make_unique<policed_stream>(std::move(established), policer_);
  dead_ = false;
  if (link_->core == this && link_->wic) {
    link_->wic->core_changed();
    if (link_->interlinked()) link_->wic->order(layer::channel);
  }
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

void bearer::connected(tcp::stream& connection) {
  connection_ = &connection;
  if (latching_ == latching::off) return;
  latching_ = latching::off;
  if (on_latched) on_latched(connection.remote().address(), connection.remote().port());
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

awaitable<void> bearer::close(deadline by) {
  co_await tasks_.stop();
  if (stream_) {
    co_await stream_->close(by);
    before_ = total();
  }
  connection_ = nullptr;
  stream_.reset();
  listener_.reset();
}

tcp::traffic bearer::total() const {
  auto out = before_;
  if (connection_) {
    out.bytes_in += connection_->counted().bytes_in;
    out.bytes_out += connection_->counted().bytes_out;
  }
  return out;
}

stream_statistics bearer::statistics() const {
  const auto counted = total();
  stream_statistics out;
  out.octets_sent = counted.bytes_out;
  out.octets_received = counted.bytes_in;
  if (settings_.filter || discarded_ > 0) out.packets_discarded = discarded_;
  out.duration = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - since_);
  return out;
}

}  // namespace agw::gateway
