#include <agw/h248/registration.hpp>

#include <algorithm>
#include <random>
#include <utility>

#include <agw/core/error.hpp>
#include <agw/core/event.hpp>
#include <agw/core/log.hpp>
#include <agw/core/scope_guard.hpp>
#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/registration_machine.hpp>

#include "registration_impl.hpp"

namespace agw::h248 {
namespace {

constexpr auto soonest_again = std::chrono::seconds(30);  // a name is looked up, whatever its TTL
constexpr std::size_t most_addresses = 4;  // of one name, tried in turn

std::uint64_t seed_of(std::uint64_t configured) { return configured != 0 ? configured : std::random_device{}(); }

value reason_text(std::uint16_t reason) {
  const auto text = to_text(static_cast<change_reason>(reason));
  return quoted(text.empty() ? to_text(change_reason::taken_out_of_service) : text);
}

// What the MGC says to a ServiceChange; null when it says nothing.
const services_descriptor* services_of(const transaction_reply& reply) {
  for (const auto& a : reply.actions) {
    for (const auto& c : a.commands) {
      if (const auto* found = c.find<services_descriptor>()) return found;
    }
  }
  return nullptr;
}

}  // namespace

list<action> only(action a) {
  list<action> out;
  out.push_back(std::move(a));
  return out;
}

action service_change_on_root(services_descriptor services) {
  action a;
  a.context = context_id::null();
  auto& c = a.commands.emplace_back();
  c.kind = command_kind::service_change;
  c.terminations.push_back(termination_id::root());
  c.add(std::move(services));
  return a;
}

time_stamp current_time_stamp() {
  using namespace std::chrono;
  const auto now = floor<milliseconds>(system_clock::now());
  const auto day = floor<days>(now);
  const year_month_day date(day);
  const hh_mm_ss time(now - day);
  const auto ymd = static_cast<unsigned>(static_cast<int>(date.year())) * 10000 + static_cast<unsigned>(date.month()) * 100 +
                   static_cast<unsigned>(date.day());
  const auto hms = (time.hours().count() * 10000 + time.minutes().count() * 100 + time.seconds().count()) * 100 +
                   time.subseconds().count() / 10;
  return {ymd, static_cast<std::uint32_t>(hms)};
}

registration::impl::impl(endpoint& e, registration_config c, std::uint64_t seed)
    : control(e), config(std::move(c)), configured(e.transactions()), names(config.dns), machine(config, seed_of(seed)) {}

void registration::impl::set(registration_state to, const peer_address& peer) {
  if (state == registration_state::left) return;
  if (to == state && to != registration_state::registering) return;
  state = to;
  if (to == registration_state::registered) {
    for (auto* w : waiters) w->set();
  }
  watch_changed.set();
  const auto copy = observers;  // one may add another
  for (const auto& observer : copy) observer(to, peer);
}

// Who may talk to us: the MGCs of the configuration as far as their addresses are known, and those they sent us to. The one that took
// us does so under its mId only.
void registration::impl::update_peers(const std::vector<peer_address>& also) {
  std::vector<trusted_peer> peers;
  const auto add = [&](const peer_address& address) {
    const bool has_name = current && (address == *current || address == *registrar);
    if (!has_name) peers.push_back({address, {}});
  };
  for (const auto& address : also) add(address);
  for (const auto& mgc : config.mgcs) {
    if (const auto known = numeric(mgc)) add(*known);
  }
  for (const auto& address : named) add(address);
  if (current) peers.push_back({*current, controller});
  if (current && *registrar != *current) peers.push_back({*registrar, controller});
  if (previous) peers.push_back(*previous);
  control.set_peers(std::move(peers));
}

// An MGC that is known by name may want to take over, too.
awaitable<void> registration::impl::learn_names() {
  named.clear();
  names_until = no_deadline;
  for (const auto& mgc : config.mgcs) {
    if (numeric(mgc)) continue;
    const auto found = co_await within(deadline_after(std::chrono::seconds(2)), names.resolve(mgc));
    auto until = clock::now();
    if (found && *found) {
      named.insert(named.end(), (*found)->addresses.begin(), (*found)->addresses.end());
      until = (*found)->until;
    }
    names_until = std::min(names_until, std::max(until, clock::now() + soonest_again));
  }
  update_peers();
}

std::optional<error_code> registration::impl::admit(const incoming_request& request) const {
  if (!current) return error_code::before_service_change_reply;
  if (from_controller(request)) return std::nullopt;
  return error_code::unauthorized_entity;
}

bool registration::impl::from_controller(const incoming_request& request) const {
  if (!current || request.sender() != mid(controller)) return false;
  return control.same_peer(request.from(), *current) || control.same_peer(request.from(), *registrar);
}

void registration::impl::leave_current() {
  if (current) previous = trusted_peer{*current, controller};
  current.reset();
}

void registration::impl::on_peer(const peer_address& peer, peer_event what) {
  if (what == peer_event::alive || !current || peer != *current || state == registration_state::left) return;
  log::warn("h248: lost the MGC {}", to_text(peer));
  leave_current();
  if (what == peer_event::disconnected) machine.disconnected(clock::now());
  else machine.lost(clock::now());
  set(registration_state::waiting);
  changed.set();
}

void registration::impl::accept(const registration_machine::attempt& a, const peer_address& to, const incoming_reply& reply,
                                std::uint8_t agreed) {
  machine.accepted(a, clock::now());
  if (!machine.registered() || state == registration_state::left) return;
  version = agreed;
  control.set_version(to, agreed);
  control.set_version(reply.from(), agreed);
  current = to;
  asked_as = a.to;
  registrar = reply.from();
  controller = mid_name(reply.sender());
  names_wanted = true;
  control.forget_transactions(controller);
  control.set_transactions(configured);
  update_peers();
  if (previous && previous->address != to) control.redirect(previous->address, to);
  retell = draining.has_value();
  log::info("h248: registered with {}, version {}", to_text(to), static_cast<unsigned>(agreed));
  set(registration_state::registered, to);
}

registration::impl::answer registration::impl::judge(const registration_machine::attempt& a, const incoming_reply& reply) {
  answer out;
  const auto* const e = reply.error();
  if (e != nullptr && reply.unread() != nullptr) {
    const auto& at = *reply.unread();
    log::warn("h248: the reply of {} to the registration cannot be read: line {} column {}: expected {}", to_text(a.to), at.line, at.column, at.expected);
    out.error = e->code;
    return out;
  }
  if (e != nullptr) {
    log::warn("h248: {} refuses the registration: {} \"{}\"", to_text(a.to), static_cast<unsigned>(e->code), log::printable(e->text));
    out.error = e->code;
    return out;
  }
  const auto* services = services_of(*reply);
  if (services != nullptr && services->mgc_to_try) {
    out.try_instead = peer_of(*services->mgc_to_try, a.to.via);
    if (!out.try_instead) log::warn("h248: {} names an MGC without an address", to_text(a.to));
    return out;
  }
  // Only the first registration has to be answered with a version (H.248.1 11.3): an MGC that had agreed on one, and says none when it
  // hears Disconnected, stays with it.
  const std::uint8_t unsaid = a.method == change_method::disconnected ? std::min(version, a.version) : 1;
  const std::uint8_t agreed = services != nullptr ? services->version.value_or(unsaid) : unsaid;
  if (agreed < std::max<std::uint8_t>(config.min_version, 1) || agreed > a.version) {
    log::warn("h248: {} wants version {}; we take {} to {}", to_text(a.to), static_cast<unsigned>(agreed),
              static_cast<unsigned>(std::max<std::uint8_t>(config.min_version, 1)), static_cast<unsigned>(a.version));
    return out;
  }
  const bool same_profile = services != nullptr && services->profile && iequals(services->profile->name, config.profile) &&
                            services->profile->version == config.profile_version;
  if (services != nullptr && services->profile && !same_profile) {
    log::warn("h248: {} supports the profile {}/{}, not {}/{}", to_text(a.to), log::printable(services->profile->name),
              static_cast<unsigned>(services->profile->version), config.profile, static_cast<unsigned>(config.profile_version));
  }
  // Further requests go where the MGC wants them.
  auto to = reply.from();
  if (services != nullptr && services->address) {
    if (const auto* port = std::get_if<std::uint16_t>(&*services->address)) {
      to.port = *port;
    } else if (const auto name = peer_of(std::get<mid>(*services->address), to.via)) {
      if (auto address = numeric(*name)) to = *address;
      else out.elsewhere = *name;
    }
  }
  out.accepted = true;
  accept(a, to, reply, agreed);
  return out;
}

// Where an MGC wants further requests, when it said so by name. Until then they go where it answered from.
awaitable<void> registration::impl::move_to(peer_name name) {
  const auto from = current;
  const auto found = co_await within(deadline_after(config.attempt_timeout), names.resolve(name));
  if (!from || current != from) co_return;  // another one by now
  const auto own = control.local(name.via);
  const auto usable = found && *found && own ? reachable_from(own->host, (*found)->addresses) : std::vector<peer_address>();
  if (usable.empty()) {
    log::warn("h248: the MGC's address {} does not resolve", log::printable(to_text(name)));
    co_return;
  }
  current = usable.front();
  control.set_version(*current, version);
  update_peers();
  control.redirect(*from, *current);
}

// Nothing: no reply in time.
awaitable<std::optional<registration::impl::answer>> registration::impl::ask(registration_machine::attempt a, peer_address to) {
  services_descriptor services;
  services.method = a.method;
  services.reason = reason_text(a.reason);
  services.version = a.version;
  if (!config.profile.empty()) services.profile = profile_name{config.profile, config.profile_version};
  services.time = current_time_stamp();
  // Judged where it arrives: commands of the MGC may stand right behind its reply.
  std::optional<answer> out;
  std::function<void(const incoming_reply&)> arrived = [this, &a, &out](const incoming_reply& reply) { out = judge(a, reply); };
  auto request = control.request(to, only(service_change_on_root(std::move(services))), 1, std::move(arrived), config.attempt_timeout);
  const auto reply = co_await std::move(request);
  if (!reply) {
    const auto said = control.remark(to);
    log::warn("h248: no registration with {}: {}{}{}", to_text(to), reply.error().message(), said.empty() ? "" : "; ", said);
  }
  if (out && out->elsewhere && current == to) co_await move_to(*out->elsewhere);
  co_return out;
}

awaitable<void> registration::impl::attempt(registration_machine::attempt a) {
  std::vector<peer_address> addresses;
  auto found = co_await within(deadline_after(config.attempt_timeout), names.resolve(a.to));
  if (found && *found) addresses = std::move((*found)->addresses);
  if (addresses.empty()) log::warn("h248: the MGC {} does not resolve", log::printable(to_text(a.to)));
  // An address of the other family would cost the whole time of an attempt.
  if (const auto own = control.local(a.to.via); own && !addresses.empty()) {
    addresses = reachable_from(own->host, std::move(addresses));
    if (addresses.empty()) log::warn("h248: the MGC {} has no address that {} reaches", log::printable(to_text(a.to)), to_text(*own));
  }
  if (addresses.size() > most_addresses) addresses.resize(most_addresses);
  update_peers(addresses);
  for (const auto& to : addresses) {
    set(registration_state::registering, to);
    const auto said = co_await ask(a, to);
    if (state == registration_state::left) co_return;
    if (!said) continue;
    if (said->try_instead) {
      machine.redirected(a, *said->try_instead, clock::now());
    } else if (!said->accepted) {
      machine.failed(a, said->error, clock::now());
    }
    co_return;
  }
  machine.failed(a, std::nullopt, clock::now());
}

// To the MGC we are registered with, outside of the machine's attempts.
awaitable<bool> registration::impl::tell(services_descriptor services, deadline by) {
  if (!current) co_return false;
  services.time = current_time_stamp();
  auto request = control.request(*current, only(service_change_on_root(std::move(services))));
  const auto reply = co_await within(by, std::move(request));
  co_return reply && *reply && (*reply)->error() == nullptr;
}

// What is left of the delay.
services_descriptor registration::impl::draining_services() const {
  services_descriptor services;
  services.method = change_method::graceful;
  services.reason = reason_text(draining_reason);
  if (draining && *draining != no_deadline) {
    const auto left = std::chrono::round<std::chrono::seconds>(*draining - clock::now()).count();
    services.delay = static_cast<std::uint32_t>(std::max<std::chrono::seconds::rep>(left, 1));
  }
  return services;
}

registration::registration(endpoint& control, registration_config config, std::uint64_t seed)
    : impl_(std::make_unique<impl>(control, std::move(config), seed)) {
  auto* i = impl_.get();
  i->update_peers();
  control.on_admission([i](const incoming_request& request) { return i->admit(request); });
  control.on_peer([i](const peer_address& peer, peer_event what) { i->on_peer(peer, what); });
}
registration::~registration() = default;

void registration::on_change(registration_observer observer) { impl_->observers.push_back(std::move(observer)); }
registration_state registration::state() const noexcept { return impl_->state; }
std::optional<peer_name> registration::mgc_name() const {
  return impl_->current ? std::optional(impl_->asked_as) : std::nullopt;
}
std::optional<peer_address> registration::mgc() const { return impl_->current; }
std::optional<clock::time_point> registration::last_heard() const {
  if (!impl_->current) return std::nullopt;
  return std::max(impl_->control.last_heard(*impl_->current), impl_->control.last_heard(*impl_->registrar));
}
void registration::on_order(order_observer observer) { impl_->order_observers.push_back(std::move(observer)); }
std::uint8_t registration::version() const noexcept { return impl_->version; }

awaitable<void> registration::run() {
  auto body = [i = impl_.get()](task_group& tasks) -> awaitable<void> {
    auto orders = [i]() -> awaitable<void> { co_await i->keep_orders(); };
    tasks.spawn("orders", std::move(orders));
    auto watch = [i]() -> awaitable<void> { co_await i->watch_mgc(); };
    tasks.spawn("watch", std::move(watch));
    co_await i->keep_registered();
  };
  co_await with_tasks("registration", std::move(body));
}

awaitable<void> registration::impl::keep_registered() {
  while (state != registration_state::left) {
    const auto step = machine.next(clock::now());
    if (const auto* wait = std::get_if<registration_machine::wait>(&step)) {
      set(registration_state::waiting);
      co_await within(wait->until, changed.wait());
    } else if (const auto* attempt_now = std::get_if<registration_machine::attempt>(&step)) {
      co_await attempt(*attempt_now);
    } else if (std::exchange(retell, false)) {
      co_await tell(draining_services(), deadline_after(control.transactions().t_max));
    } else if (std::exchange(names_wanted, false)) {
      co_await learn_names();
    } else {
      const bool woken = co_await within(names_until, changed.wait());
      names_wanted = names_wanted || !woken;
    }
  }
}

awaitable<bool> registration::registered(deadline by) {
  auto& i = *impl_;
  event ready;
  i.waiters.push_back(&ready);
  const scope_guard unlist([&] { std::erase(i.waiters, &ready); });
  bool in_time = true;
  while (!i.current && in_time) in_time = co_await within(by, ready.wait());
  co_return i.current.has_value();
}

awaitable<result<incoming_reply>> registration::request(list<action> actions) {
  auto& i = *impl_;
  if (!i.current) {
    const bool there = co_await registered(deadline_after(i.control.transactions().t_max));
    if (!there) co_return make_error_code(errc::refused);
  }
  auto sent = i.control.request(*i.current, std::move(actions));
  auto reply = co_await std::move(sent);
  if (reply && i.disowned(*reply)) co_return make_error_code(errc::refused);
  co_return reply;
}

std::optional<error_code> registration::service_change(const incoming_request& request, const services_descriptor& services) {
  auto& i = *impl_;
  if (!services.method) return std::nullopt;
  i.keep_delay(services);
  if (services.method != change_method::hand_off) return std::nullopt;
  if (!i.from_controller(request)) return error_code::unauthorized_entity;
  const auto to = services.mgc_to_try ? peer_of(*services.mgc_to_try, request.from().via) : std::nullopt;
  if (!to) return error_code::required_information_missing;
  const auto shown = log::printable(to_text(*to));
  if (!i.may_hand_over_to(*to)) {
    log::warn("h248: {} hands over to {}, which no configuration names: refused", to_text(request.from()), shown);
    return error_code::unauthorized;
  }
  log::info("h248: {} hands over to {}", to_text(request.from()), shown);
  i.leave_current();
  i.machine.hand_off(*to);
  i.set(registration_state::waiting);
  i.changed.set();
  return std::nullopt;
}

bool registration::impl::may_hand_over_to(const peer_name& to) const {
  if (config.handoff == handoff_targets::any) return true;
  const auto address = numeric(to);
  const auto same = [&](const peer_name& mgc) {
    if (mgc.port != to.port) return false;
    const auto other = numeric(mgc);
    return address && other ? address->host == other->host : iequals(mgc.host, to.host);
  };
  if (std::ranges::any_of(config.mgcs, same)) return true;
  return address && std::ranges::any_of(named, [&](const auto& known) { return known.host == address->host && known.port == address->port; });
}

awaitable<bool> registration::graceful(std::uint32_t delay_seconds, std::uint16_t reason) {
  impl_->draining = delay_seconds > 0 ? deadline_after(std::chrono::seconds(delay_seconds)) : no_deadline;
  impl_->draining_reason = reason;
  const auto by = deadline_after(impl_->control.transactions().t_max);
  co_return co_await impl_->tell(impl_->draining_services(), by);
}

awaitable<bool> registration::cancel_graceful() {
  impl_->draining.reset();
  impl_->retell = false;
  services_descriptor services;
  services.method = change_method::restart;
  services.reason = reason_text(static_cast<std::uint16_t>(change_reason::cancel_graceful));
  const auto by = deadline_after(impl_->control.transactions().t_max);
  co_return co_await impl_->tell(std::move(services), by);
}

awaitable<bool> registration::leave(deadline by, std::uint16_t reason) {
  services_descriptor services;
  services.method = change_method::forced;
  services.reason = reason_text(reason);
  const bool told = co_await impl_->tell(std::move(services), by);
  impl_->current.reset();
  impl_->set(registration_state::left);
  impl_->changed.set();
  co_return told;
}

}  // namespace agw::h248
