#include <agw/h248/registration_registry.hpp>

#include <algorithm>

#include <agw/core/log.hpp>
#include <agw/core/scope_guard.hpp>
#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/registration.hpp>

namespace agw::h248 {

namespace {

constexpr clock::duration claim_patience = std::chrono::seconds(3);  // for the audit of a gateway whose mId another one claims

// A gateway speaks from where it registered, or from where it wants requests.
bool is_from(const registered_gateway& gateway, const peer_address& from) {
  return from == gateway.source || from == gateway.address;
}

// Where requests go to who registers with `services`: where it registers from, unless it names another address.
peer_address address_of(const incoming_request& request, const services_descriptor& services) {
  auto out = request.from();
  if (!services.address) return out;
  if (const auto* port = std::get_if<std::uint16_t>(&*services.address)) {
    out.port = *port;
  } else if (const auto to = peer_of(std::get<h248::mid>(*services.address), out.via)) {
    if (auto elsewhere = numeric(*to)) out = std::move(*elsewhere);
  }
  return out;
}

}  // namespace

gateway_registry::gateway_registry(endpoint& control, registry_config config) : control_(control), config_(std::move(config)) {
  control.on_peer([this](const peer_address& peer, peer_event what) { on_peer(peer, what == peer_event::alive); });
}

void gateway_registry::on_change(gateway_observer observer) { observers_.push_back(std::move(observer)); }

const registered_gateway* gateway_registry::find(const mid& id) const {
  const auto at = gateways_.find(to_text(id));
  return at == gateways_.end() ? nullptr : &at->second;
}

const registered_gateway* gateway_registry::find(const peer_address& address) const {
  for (const auto& [name, gateway] : gateways_) {
    if (gateway.address == address) return &gateway;
  }
  return nullptr;
}

void gateway_registry::tell(gateway_change what, const registered_gateway& gateway) {
  const auto copy = observers_;  // one may add another
  for (const auto& observer : copy) observer(what, gateway);
}

void gateway_registry::remove(const std::string& name, gateway_change why) {
  const auto at = gateways_.find(name);
  if (at == gateways_.end()) return;
  const auto gateway = std::move(at->second);
  gateways_.erase(at);
  control_.set_version(gateway.address, 0);
  log::info("h248: the gateway {} is {}", log::printable(name), why == gateway_change::lost ? "lost" : "gone");
  tell(why, gateway);
}

void gateway_registry::forget(const mid& id) { remove(to_text(id), gateway_change::lost); }

void gateway_registry::set_silent(registered_gateway& gateway, bool silent) {
  if (std::exchange(gateway.silent, silent) == silent) return;
  tell(silent ? gateway_change::silent : gateway_change::heard, registered_gateway(gateway));
}

void gateway_registry::on_peer(const peer_address& peer, bool alive) {
  for (auto& [name, gateway] : gateways_) {
    if (!is_from(gateway, peer)) continue;
    return set_silent(gateway, !alive);
  }
}

bool gateway_registry::heard(const incoming_request& request) {
  const auto at = gateways_.find(to_text(request.sender()));
  if (at == gateways_.end()) return false;
  auto& gateway = at->second;
  const auto& from = request.from();
  if (from.host != gateway.source.host && from.host != gateway.address.host) return false;
  // A connection that ended was made anew, from another port.
  const bool moved = gateway.silent && from.via != transport::udp && from.via == gateway.source.via && gateway.address == gateway.source;
  if (moved && !is_from(gateway, from)) {
    control_.set_version(std::exchange(gateway.address, from), 0);
    control_.set_version(from, gateway.version);
    control_.redirect(std::exchange(gateway.source, from), from);
  }
  if (is_from(gateway, from)) set_silent(gateway, false);
  return true;
}

// Two gateways with one mId would take each other's calls. Whether the first is there, only an audit tells; until its outcome the
// second one stays outside.
bool gateway_registry::contested(const incoming_request& request, const services_descriptor& services) {
  const auto name = to_text(request.sender());
  const auto at = gateways_.find(name);
  if (at == gateways_.end() || is_from(at->second, request.from()) || at->second.silent) return false;
  if (services.address && address_of(request, services) == at->second.address) return false;
  if (!audited_.contains(name) && claimed_.insert(name).second) {
    log::warn("h248: {} claims to be the gateway {}, which is registered from {}", to_text(request.from()), name,
              to_text(at->second.source));
    claims_.set();
  }
  return true;
}

void gateway_registry::service_change(action_state& state, const command& asked) {
  const auto* services = asked.find<services_descriptor>();
  if (services == nullptr || !services->method) return state.fail(asked, error_code::required_information_missing, "ServiceChange");
  if (contested(state.request(), *services)) return state.fail(asked, error_code::unauthorized_entity, "another gateway has this mId");
  const auto name = to_text(state.request().sender());
  switch (*services->method) {
    case change_method::forced:
      state.answer(asked);
      return remove(name, gateway_change::gone);
    case change_method::graceful: {
      state.answer(asked);
      const auto at = gateways_.find(name);
      if (at == gateways_.end()) return;
      at->second.draining = true;
      return tell(gateway_change::draining, registered_gateway(at->second));
    }
    case change_method::restart:
    case change_method::disconnected:
    case change_method::hand_off:
    case change_method::failover: return enter(state, asked, *services);
    case change_method::extension: break;
  }
  state.fail(asked, error_code::unknown_value, services->method_extension);
}

void gateway_registry::enter(action_state& state, const command& asked, const services_descriptor& services) {
  const auto& request = state.request();
  const auto name = to_text(request.sender());
  if (config_.redirect) {
    services_descriptor elsewhere;
    elsewhere.mgc_to_try = mid(*config_.redirect);
    state.answer(asked).add(std::move(elsewhere));
    return;
  }
  const auto* before = find(request.sender());
  const bool known = before != nullptr;
  const bool resumed = known && services.reason_code() == static_cast<std::uint16_t>(change_reason::cancel_graceful);
  const auto offered = services.version.value_or(resumed ? before->version : 1);
  const auto agreed = std::min(offered, config_.version);
  if (agreed < std::max<std::uint8_t>(config_.min_version, 1)) return state.fail(asked, error_code::version_not_supported);
  if (!known && gateways_.size() >= config_.max_gateways) return state.fail(asked, error_code::service_unavailable);

  auto& gateway = gateways_[name];
  const auto old_address = gateway.address;
  if (known) control_.set_version(old_address, 0);
  gateway.mid = mid_name(request.sender());
  gateway.address = address_of(request, services);
  gateway.source = request.from();
  gateway.silent = false;
  gateway.version = agreed;
  gateway.profile.clear();
  if (services.profile) gateway.profile.append(services.profile->name).append("/").append(std::to_string(services.profile->version));
  gateway.draining = false;
  gateway.since = clock::now();
  control_.set_version(gateway.address, agreed);
  // A gateway that has restarted begins its ids anew. The ServiceChange itself is not finished.
  if (*services.method == change_method::restart && !resumed) control_.forget_transactions(request.sender());
  // Under a new address, such as that of a new connection, the same gateway is still to do what it was asked for.
  const bool same = known && *services.method != change_method::restart;
  if (same && old_address != gateway.address) control_.redirect(old_address, gateway.address);

  services_descriptor answer;
  answer.version = agreed;
  if (!config_.profile.empty() && services.profile) {
    const profile_name ours{config_.profile, config_.profile_version};
    if (*services.profile != ours) answer.profile = ours;
  }
  answer.time = current_time_stamp();
  state.answer(asked).add(std::move(answer));
  log::info("h248: the gateway {} at {} registered, version {}", log::printable(name), to_text(gateway.address), static_cast<unsigned>(agreed));

  auto what = gateway_change::reconnected;
  if (*services.method == change_method::restart) what = resumed ? gateway_change::resumed : gateway_change::restarted;
  tell(what, registered_gateway(gateway));
}

awaitable<void> gateway_registry::watch() {
  auto body = [this](task_group& audits) -> awaitable<void> {
    const auto audit = [this, &audits](const std::string& name, const peer_address& to, clock::duration patience) {
      if (!audited_.insert(name).second) return;
      auto asking = [this, name, to, patience]() -> awaitable<void> { co_await ask(name, to, patience); };
      audits.spawn("audit", std::move(asking));
    };
    const bool regular = config_.audit_interval > clock::duration{};
    const auto next_round = [&] { return regular ? deadline_after(config_.audit_interval / 4) : no_deadline; };
    for (auto next = next_round();;) {
      co_await within(next, claims_.wait());
      for (const auto& name : std::exchange(claimed_, {})) {
        if (const auto at = gateways_.find(name); at != gateways_.end()) audit(name, at->second.address, claim_patience);
      }
      if (clock::now() < next) continue;
      next = next_round();
      for (const auto& [name, gateway] : gateways_) {
        const auto heard = std::max(gateway.since, control_.last_heard(gateway.address).value_or(gateway.since));
        if (clock::now() - heard >= config_.audit_interval) audit(name, gateway.address, {});
      }
    }
  };
  co_await with_tasks("h248 watch", std::move(body));
}

// H.248.1 and TS 29.334 5.12: an empty AuditValue on ROOT. Any reply shows that the gateway is there.
awaitable<void> gateway_registry::ask(std::string name, peer_address to, clock::duration patience) {
  const scope_guard forget([&] { audited_.erase(name); });
  list<action> actions;
  auto& a = actions.emplace_back();
  auto& c = a.commands.emplace_back();
  c.kind = command_kind::audit_value;
  c.terminations.push_back(termination_id::root());
  c.add(audit_descriptor{});
  std::function<void(const incoming_reply&)> nobody;
  auto asking = control_.request(to, std::move(actions), control_.version(to), std::move(nobody), patience);
  const auto reply = co_await std::move(asking);
  if (reply) co_return;
  const auto at = gateways_.find(name);
  const bool same = at != gateways_.end() && at->second.address == to;
  const bool unanswered = reply.error() == make_error_code(errc::timed_out) || reply.error() == make_error_code(errc::disconnected);
  if (same && unanswered) remove(name, gateway_change::lost);
}

}  // namespace agw::h248
