#include "stream_group.hpp"

#include <algorithm>

#include <boost/asio/ip/udp.hpp>

#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/sweep.hpp"
#include "agw/gateway/source_filter.hpp"
#include "agw/transports/error.hpp"
#include "bearer.hpp"
#include "local_difference.hpp"
#include "own_address.hpp"
#include "policed_pipes.hpp"
#include "ran_short.hpp"
#include "refuse.hpp"

namespace agw::gateway {

namespace {

std::uint16_t next_sctp_port() noexcept {
  constexpr std::uint16_t lowest = 1024;
  thread_local std::uint16_t last = lowest - 1;
  last = std::max<std::uint16_t>(lowest, static_cast<std::uint16_t>(last + 1));
  return last;
}

/// A session may name several certificates; their order means nothing.
bool same_certificates(const std::vector<dtls::fingerprint>& ours, const std::vector<dtls::fingerprint>& theirs) {
  return std::ranges::is_permutation(ours, theirs);
}

/// Those by hash functions that we do not take are passed over, unless there is no other.
boost::system::result<std::vector<dtls::fingerprint>, refusal> usable_fingerprints(const std::vector<std::string>& lines) {
  std::vector<dtls::fingerprint> out;
  for (const auto& line : lines) {
    const auto one = dtls::fingerprint::parse(line);
    if (one) out.push_back(*one);
    else if (one.error() != transport_error::hash_refused) return refuse(refusal_reason::bad_value, "a=fingerprint:" + line);
  }
  if (out.empty()) return refuse(refusal_reason::bad_value, "a=fingerprint:" + lines.front());
  return out;
}

bool undecided(const std::optional<setup_role>& role) { return !role || *role == setup_role::actpass; }

// Local's role decides; undecided, the opposite of Remote's; both undecided, we are passive.
dtls::role role_of(const std::optional<setup_role>& ours, const std::optional<setup_role>& theirs) {
  const bool active = undecided(ours) ? theirs == setup_role::passive : ours == setup_role::active;
  return active ? dtls::role::active : dtls::role::passive;
}

// RFC 8842, 4: at least 20 characters with 120 bits of randomness; a password of ICE has 24 of 6 bits.
std::string random_tls_id() { return ice::make_credentials().pwd; }

ice::remote_parameters ice_parameters(const association_remote& remote) {
  ice::remote_parameters out;
  out.credentials.ufrag = remote.ice_ufrag;
  out.credentials.pwd = remote.ice_pwd;
  out.lite = remote.ice_lite;
  out.candidates = remote.candidates;
  if (remote.address && remote.port != 0) out.address.emplace(*remote.address, remote.port);
  return out;
}

}  // namespace

stream_group::stream_group(const gateway_services& services, loop_executor executor, std::string label,
                           stream_number deaggregation, stage_observer seen)
    : services_(services),
      executor_(executor),
      number_(deaggregation),
      scope_(services.stages, label, deaggregation.value, std::move(seen)),
      tasks_(executor, label) {
  scope_.remark_with([this] { return remark(); });
}

stream_group::~stream_group() = default;

std::string stream_group::peer() const {
  const auto at = endpoint_ ? endpoint_->remote_address() : std::nullopt;
  return at ? to_text(at->address(), at->port()) : last_.peer;
}

std::string stream_group::remark_of(const component& c) const {
  auto out = remark();
  const auto core = c.core() ? c.core()->peer() : std::string();
  if (!core.empty()) out.append(out.empty() ? "the core is " : ", the core is ").append(core);
  return out;
}

std::string stream_group::remark() const {
  if (progress_ == progress::connecting && endpoint_) return endpoint_->seen();
  const auto at = peer();
  return at.empty() ? at : "the peer is " + at;
}

boost::system::result<association_answer, refusal> stream_group::reserve(const association_local& local, const interface_addresses& own, bool controlling) {
  const auto at = choose_address(own, local.address, local.family);
  if (!at) return at.error();
  ice::config settings;
  settings.mode = services_.config.ice_mode;
  settings.local_address = at->bound;
  if (at->shown != at->bound) settings.advertised_address = at->shown;
  if (const auto other = address_of(own, family_of(at->bound) == ip_family::ip4 ? ip_family::ip6 : ip_family::ip4)) {
    settings.other_family = ice::host_address{other->bound, other->shown};
  }
  settings.stun = services_.config.stun;
  settings.turn = services_.config.turn;
  settings.shared = services_.shared_ports;
  settings.use_ice = local.ice;
  settings.tcp = services_.config.ice_tcp;
  settings.controlling = controlling;
  settings.consent_timeout = services_.config.consent_timeout;
  settings.max_datagram_bytes = services_.config.mtu_bytes;
  auto reserved = ice::reserve(executor_, settings, *services_.ports);
  if (!reserved) return ran_short(services_, "no UDP port: ", reserved.error());
  endpoint_ = std::move(*reserved);
  local_ = local;
  endpoint_->on_peer_reflexive = [this](const udp::endpoint& found) {
    if (on_address) on_address(gateway_event::kind::candidate, found);
  };
  endpoint_->on_latched = [this](const udp::endpoint& learnt) {
    if (on_address) on_address(gateway_event::kind::latched, learnt);
  };
  dtls_keys_ = services_.dtls.current();
  const auto& ours = endpoint_->local();
  // Distinct local ports keep the look-up of associations cheap in the SCTP stack, so a free choice follows the UDP port if that is distinct.
  local_sctp_port_ = local.sctp_port.value_or(services_.shared_ports ? next_sctp_port() : ours.address.port());
  local_.sctp_port = local_sctp_port_;
  auto& answer = reserved_;
  show_default_candidate();
  answer.ice_lite = ours.lite;
  answer.ice_ufrag = ours.credentials.ufrag;
  answer.ice_pwd = ours.credentials.pwd;
  answer.candidates = ours.candidates;
  answer.fingerprint = dtls_keys_->own().fingerprint().str();
  choose_tls_id(&local_, false, false);
  answer.sctp_port = local_sctp_port_;
  if (const auto* line = resource_difference(local_, reserved_, local_)) {
    return refuse(refusal_reason::bad_value, std::string(line) + ": the gateway chooses it, ask with $");
  }
  return answer;
}

awaitable<void> stream_group::gathered(deadline by) {
  co_await endpoint_->gathered(by);
  reserved_.candidates = endpoint_->local().candidates;
  if (!local_.address) show_default_candidate();  // else c= is as Local has it
}

void stream_group::show_default_candidate() {
  const auto& ours = endpoint_->local();
  reserved_.address = ours.address.address();
  reserved_.port = ours.address.port();
  other_family_ = ours.other_family.value_or(udp::endpoint());
}

association_answer stream_group::answer_for(const association_local& local) const {
  return answer_in(local.address ? family_of(*local.address) : local.family.value_or(family_of(reserved_.address)));
}

// Both sockets serve the association; only the default candidate, in c= and m=, is of one family.
association_answer stream_group::answer_in(ip_family family) const {
  auto out = reserved_;
  if (family == family_of(reserved_.address) || other_family_.port() == 0) return out;
  out.address = other_family_.address();
  out.port = other_family_.port();
  return out;
}

std::optional<association_answer> stream_group::offer(const association_local& local) const {
  auto out = answer_for(local);
  if (resource_difference(local_, out, local)) return std::nullopt;
  return out;
}

boost::system::result<void, refusal> stream_group::check(const stream_change& wanted) const {
  const auto local = only<association_local>(wanted.local, "Local");
  if (!local) return local.error();
  const auto remote = only<association_remote>(wanted.remote, "Remote");
  if (!remote) return remote.error();
  const auto ours = *local ? **local : local_;
  const bool anew = wanted.forget_remote || progress_ == progress::retired || (*remote && renews(ours, **remote));
  if (*local) {
    const auto* line = resource_difference(local_, answer_for(ours), ours);
    if (!line && remote_ && !anew) line = difference(local_, ours);
    const bool fixed_id = remote_ && !anew && !ours.new_ice_credentials;
    if (!line && fixed_id && ours.tls_id && *ours.tls_id != reserved_.tls_id) line = "a=tls-id";
    if (line) return refuse(refusal_reason::conflict, std::string(line) + ": the stream has another already");
  }
  if (*remote) {
    const auto& theirs = **remote;
    if (!undecided(ours.setup) && ours.setup == theirs.setup) {
      return refuse(refusal_reason::conflict, "both sides have the same a=setup");
    }
    if (theirs.sctp_port == 0) return refuse(refusal_reason::missing, "a=sctp-port");
    if (theirs.fingerprints.empty()) return refuse(refusal_reason::missing, "a=fingerprint");
    const auto usable = usable_fingerprints(theirs.fingerprints);
    if (!usable) return usable.error();
    if (!ours.ice && theirs.address && theirs.address->is_v6() != reserved_.address.is_v6()) {
      return refuse(refusal_reason::conflict, "c= of another family than ours");
    }
    // ICE takes other candidates at any time; the parameters of the handshake and the association change with a new transport only.
    const char* changed = anew || !path_ ? nullptr : another_association(ours, theirs);
    if (changed) return refuse(refusal_reason::conflict, std::string(changed) + ": the association has another already");
    if (ours.ice) {
      if (theirs.ice_ufrag.empty()) return refuse(refusal_reason::missing, "a=ice-ufrag");
      if (theirs.ice_pwd.empty()) return refuse(refusal_reason::missing, "a=ice-pwd");
      if (!ice::valid(ice_parameters(theirs).credentials)) {
        return refuse(refusal_reason::bad_value, "a=ice-ufrag:" + theirs.ice_ufrag + ", a=ice-pwd of " +
                                                     std::to_string(theirs.ice_pwd.size()) + " characters");
      }
    }
  }
  if (const auto& settings = wanted.settings) {
    if (settings->interlinked) return refuse(refusal_reason::interlinkage, "an association is no end of a stream: its components are");
    if (settings->source_address && *settings->source_address != reserved_.address) {
      return refuse(refusal_reason::conflict, "a source address that is not the stream's own");
    }
    if (settings->source_port && *settings->source_port != reserved_.port) {
      return refuse(refusal_reason::conflict, "a source port that is not the stream's own");
    }
  }
  return {};
}

// The line that asks for another association than there is, if one does (RFC 8842, 4 and 5). A WIC that offers again repeats a=setup:actpass.
const char* stream_group::another_association(const association_local& ours, const association_remote& theirs) const {
  const auto fingerprints = usable_fingerprints(theirs.fingerprints);
  if (!fingerprints || !same_certificates(fingerprints_, *fingerprints)) return "a=fingerprint";
  if (!remote_->tls_id.empty() && !theirs.tls_id.empty() && remote_->tls_id != theirs.tls_id) return "a=tls-id";
  if (remote_->sctp_port != theirs.sctp_port) return "a=sctp-port";
  const bool decided = !undecided(ours.setup) || !undecided(theirs.setup);
  return decided && role_of(ours.setup, theirs.setup) != role_ ? "a=setup" : nullptr;
}

bool stream_group::another_transport(const association_local& ours, const association_remote& theirs) const {
  return ours.ice ? remote_->ice_ufrag != theirs.ice_ufrag : remote_->address != theirs.address || remote_->port != theirs.port;
}

// Without a=tls-id a new transport is a new association, but for ICE, which changes the transport of the same one.
bool stream_group::renews(const association_local& ours, const association_remote& theirs) const {
  const bool begun = progress_ == progress::shaking || progress_ == progress::serving || progress_ == progress::ended;
  if (!begun || theirs.fingerprints.empty() || !another_transport(ours, theirs)) return false;
  return renewal_offered_ || (!ours.ice && theirs.tls_id.empty()) || another_association(ours, theirs) != nullptr;
}

bool stream_group::renews(const stream_change& wanted) const {
  if (!wanted.remote) return false;
  return renews(wanted.local ? std::get<association_local>(*wanted.local) : local_, std::get<association_remote>(*wanted.remote));
}

std::optional<refusal> stream_group::check_id(std::uint16_t sid) const {
  if (!sctp_) return {};  // INIT will provide for it
  const auto obstacle = association_ ? association_->obstacle(sid) : sctp::association::obstacle(*sctp_, sid);
  if (obstacle.empty()) return {};
  if (services_.stages.metrics) services_.stages.metrics->ran_short_of("streams");
  return refuse(refusal_reason::no_resources, "a=dcmap:" + std::to_string(sid) + ": " + std::string(obstacle));
}

void stream_group::apply(const stream_change& wanted) {
  const auto* local = wanted.local ? &std::get<association_local>(*wanted.local) : nullptr;
  if (local && (!remote_ || progress_ == progress::retired)) {
    local_ = *local;
    if (local_.sctp_port) local_sctp_port_ = reserved_.sctp_port = *local_.sctp_port;
    local_.sctp_port = local_sctp_port_;
    const auto before = udp::endpoint(reserved_.address, reserved_.port);
    reserved_ = answer_for(local_);
    if (reserved_.address != before.address()) other_family_ = before;
  }
  choose_tls_id(local, progress_ == progress::retired && wanted.remote, remote_ && local && local->new_ice_credentials && !wanted.remote);
  orders_.set(wanted.waits_for_order);
  if (!wanted.waits_for_order.empty()) changed_.set();
  if (wanted.settings) apply(*wanted.settings);
  restart_ice(wanted);
  if (wanted.remote) configure(std::get<association_remote>(*wanted.remote));
}

// A new association has a new one (RFC 8842, 4), which is ours already where we have offered it.
void stream_group::choose_tls_id(const association_local* local, bool anew, bool asks_restart) {
  const bool offered = anew && std::exchange(renewal_offered_, false);
  const auto before = reserved_.tls_id;
  const bool asked = local && local->choose_tls_id;
  if (local && local->tls_id) {
    reserved_.tls_id = *local->tls_id;
  } else if (anew ? !offered && (asked || !before.empty()) : asked && (asks_restart || before.empty())) {
    reserved_.tls_id = random_tls_id();
  }
  if (asks_restart && reserved_.tls_id != before) renewal_offered_ = true;
}

// RFC 8839, 4.4.1.1.1 and 4.4.2.1. Whoever begins a restart, both sides get new credentials; a Local that names ours keeps them.
void stream_group::restart_ice(const stream_change& wanted) {
  if (!remote_ || !endpoint_ || !local_.ice) return;
  const auto* local = wanted.local ? &std::get<association_local>(*wanted.local) : nullptr;
  const auto* remote = wanted.remote ? &std::get<association_remote>(*wanted.remote) : nullptr;
  const bool theirs = remote && remote->ice_ufrag != remote_->ice_ufrag;
  if (theirs && std::exchange(restart_offered_, false)) return;  // the answer to ours
  const bool asked = local && local->new_ice_credentials;
  if (!asked && (!theirs || (local && local->ice_ufrag))) return;
  if (const auto failed = endpoint_->restart()) return report_ice(failed);
  restart_offered_ = !theirs;
  reserved_.ice_ufrag = endpoint_->local().credentials.ufrag;
  reserved_.ice_pwd = endpoint_->local().credentials.pwd;
}

void stream_group::configure(const association_remote& remote) {
  const bool again = remote_.has_value();
  remote_ = remote;
  fingerprints_ = *usable_fingerprints(remote.fingerprints);
  if (progress_ == progress::retired) begin_anew();
  else if (again && endpoint_) report_ice(endpoint_->update(ice_parameters(remote)));
  changed_.set();
}

// What check() could not foresee: the ICE library refuses. The pair that there is carries on.
void stream_group::report_ice(error_code failed) {
  if (!failed) return;
  stage_error e("ice", "error", failed);
  scope_.report(e);
}

void stream_group::begin_anew() {
  endpoint_->begin_anew();
  for (const auto& entry : components_) entry.second->renew();
  ended_ = false;
  progress_ = progress::waiting;
  start();
}

// With ICE there is no single remote address to filter by, so only ranges count there.
void stream_group::apply(const stream_settings& settings) {
  settings_ = settings;
  policer_.set(settings.limits, clock::now());
  endpoint_->set_dscp(settings.dscp.value_or(0));
  endpoint_->admits = nullptr;
  if (!settings.filter) return;
  endpoint_->admits = [this](const udp::endpoint& source) {
    const bool known = !local_.ice && remote_ && remote_->address;
    const auto remote = known ? remote_->address : std::nullopt;
    const std::uint16_t port = known ? remote_->port : 0;
    const bool yes = gateway::admits(*settings_.filter, remote, port, source.address(), source.port());
    if (!yes) ++discarded_;
    return yes;
  };
}

void stream_group::latch(latching how) {
  if (!endpoint_) return;
  if (how == latching::off) endpoint_->latch_off();
  else endpoint_->latch(how == latching::relatch);
}

void stream_group::order(layer l) {
  orders_.give(l);
  changed_.set();
}

awaitable<void> stream_group::ordered(layer l) {
  while (orders_.holds(l)) co_await changed_.wait();
}

// Meanwhile the peer's checks are answered, its nomination among them. Its ClientHello comes again.
awaitable<void> stream_group::order_for_dtls() {
  if (!orders_.holds(layer::dtls)) co_return;
  auto body = [this](task_group& tasks) -> awaitable<void> {
    tasks.spawn("checks", [this] { return answer_checks(); });
    co_await ordered(layer::dtls);
  };
  co_await with_tasks(scope_.label(), body);
}

awaitable<void> stream_group::answer_checks() {
  datagram_batch dropped;
  for (;;) {
    co_await path_->receive(dropped);
    dropped.clear();
  }
}

void stream_group::start() {
  tasks_.spawn("layers", [this] { return run(); });
}

awaitable<void> stream_group::run() {
  try {
    auto body = [this](task_group& tasks) { return establish(tasks); };
    co_await with_tasks(scope_.label(), body);
  } catch (stage_error& e) {
    if (progress_ != progress::retiring) progress_ = progress::ended;
    if (!association_ || ends_now()) scope_.report(e);  // the other layers stay until close(), which may be using them now
  }
}

awaitable<void> stream_group::establish(task_group& tasks) {
  while (!remote_) co_await changed_.wait();
  co_await ordered(layer::ice);
  progress_ = progress::connecting;
  auto connecting = ice::connect(tasks, *endpoint_, ice_parameters(*remote_));
  auto connected = co_await scope_.stage("ice", std::move(connecting));
  path_ = std::make_unique<policed_path>(std::move(connected), policer_);
  log::debug("{}: the peer is {}", scope_.label(), peer());
  progress_ = progress::shaking;
  role_ = role_of(local_.setup, remote_->setup);
  co_await order_for_dtls();
  auto shaking = dtls::handshake(*path_, dtls_config());
  dtls_ = co_await scope_.stage("dtls", std::move(shaking));
  const auto executor = co_await asio::this_coro::executor;
  const sweep_entry looked_at(executor, [this] { return dtls_ ? dtls_->look() : std::chrono::seconds(1); });
  co_await ordered(layer::sctp);
  sctp_ = sctp_config();
  auto opening = sctp::open(tasks, *dtls_, *sctp_);  // simultaneous open
  association_ = co_await scope_.stage("sctp", std::move(opening));
  progress_ = progress::serving;
  co_await serve_components(tasks);
}

// Runs for the association's life: components come and go, each a branch of its own.
awaitable<void> stream_group::serve_components(task_group& tasks) {
  for (;;) {
    for (const auto& entry : components_) {
      auto c = entry.second;
      if (c->started()) continue;
      c->mark_started();
      tasks.spawn(c->scope().label(), [this, c] { return c->run(*association_); });
    }
    const auto [cancelled] = co_await components_changed_.settle();
    if (cancelled) co_return;
  }
}

dtls::handshake_config stream_group::dtls_config() const {
  dtls::handshake_config out(dtls_keys_, role_, fingerprints_);
  out.max_datagram_bytes = services_.config.mtu_bytes;
  out.on_authentic = [at = endpoint_.get()] { at->heard(); };
  return out;
}

sctp::config stream_group::sctp_config() const {
  sctp::config out;
  out.local_port = local_sctp_port_;
  out.remote_port = remote_->sctp_port;
  out.max_message_bytes = local_.max_message_bytes;
  out.peer_max_message_bytes = remote_->max_message_bytes;
  out.streams = services_.config.sctp_streams;
  // INIT provides for the ids that are known: a peer may not add streams later.
  for (const auto& entry : components_) {
    const auto& sid = entry.second->local().sid;
    if (!sid) continue;
    out.streams = std::max<std::uint16_t>(out.streams, *sid + 1);
    out.max_inbound_streams = std::max<std::uint16_t>(out.max_inbound_streams, *sid + 1);
  }
  // A peer whose checks have to keep coming needs no second watch: this one is for what ICE cannot see.
  if (local_.ice && !remote_->ice_lite) out.heartbeat_after = std::chrono::minutes(1);
  out.hold_limit = services_.config.hold_limit;
  if (settings_.association == initiation::in) out.initiate = sctp::initiation::in;
  if (settings_.association == initiation::out) out.initiate = sctp::initiation::out;
  out.dtls_client = role_ == dtls::role::active;
  return out;
}

void stream_group::add(std::shared_ptr<component> c) {
  const auto n = stream_number{static_cast<std::uint16_t>(c->scope().stream())};
  c->scope().remark_with([this, at = c.get()] { return remark_of(*at); });
  components_.insert_or_assign(n, std::move(c));
  components_changed_.set();
}

awaitable<void> stream_group::remove(stream_number n) {
  const auto found = components_.find(n);
  if (found == components_.end()) co_return;
  auto gone = std::move(found->second);
  components_.erase(found);
  co_await gone->stop();
  gone->scope().remark_with(nullptr);
}

awaitable<void> stream_group::release(layer l) {
  if (l == layer::sctp && association_) co_await association_->close(deadline_after(services_.config.shutdown_time));
  if (l == layer::dtls && dtls_) dtls_->close();
}

void stream_group::finish() {
  if (!association_) return;
  for (const auto& entry : components_) entry.second->finish();
}

awaitable<void> stream_group::flush(deadline by) {
  if (!association_) co_return;
  for (const auto& entry : components_) {
    auto c = entry.second;
    auto idle = [](std::shared_ptr<component> one) -> awaitable<void> {
      while (!one->idle()) co_await one->idled().wait();
    };
    (void)co_await within(by, idle(c));
  }
}

awaitable<void> stream_group::close(deadline by) {
  co_await end_layers(by);
  for (const auto& entry : components_) entry.second->scope().remark_with(nullptr);
  components_.clear();
  endpoint_.reset();
}

awaitable<void> stream_group::retire(deadline flushed) {
  progress_ = progress::retiring;
  finish();
  co_await flush(flushed);
  co_await end_layers(deadline_after(services_.config.shutdown_time));
  orders_.take_back();
  progress_ = progress::retired;
}

awaitable<void> stream_group::end_layers(deadline by) {
  if (association_) {
    co_await association_->close(by);
    dtls_->close();
  }
  co_await tasks_.stop();
  last_ = statistics();
  association_.reset();
  sctp_.reset();
  dtls_.reset();
  path_.reset();
}

stream_statistics stream_group::statistics() const {
  stream_statistics out = last_;
  out.duration = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - since_);
  if (endpoint_) {
    out.octets_sent = endpoint_->counted().bytes_out;
    out.octets_received = endpoint_->counted().bytes_in;
  }
  out.peer = peer();
  if (settings_.filter) out.packets_discarded = discarded_;
  if (association_) {
    const auto s = association_->statistics();
    out.srtt_ms = static_cast<std::uint32_t>(s.srtt.count() / 1000);
    out.retransmissions = last_.retransmissions.value_or(0) + s.retransmitted_chunks;
  }
  return out;
}

}  // namespace agw::gateway
