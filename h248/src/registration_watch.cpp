// What may come at any time from the MGC that took us: its word that we are to go later, and its silence.
#include <algorithm>
#include <utility>

#include <agw/core/log.hpp>
#include <agw/core/until.hpp>

#include "registration_impl.hpp"

namespace agw::h248 {
namespace {

// The request that asks an MGC whether it is there. AuditValue is the MGC's, a ServiceChange on ROOT says something of the gateway that is
// not so (or is a registration), and Iq has nothing but H.248.14's event for an MG that supervises its MGC (TS 29.334 5.12). RequestID 0
// because the MGC did not ask for it: with another one H.248.1 7.2.7 allows only what an Events descriptor named. It is answered by whoever
// knows us, with an error too (458, say), and by an MGC that does not with 504 or 505.
action nothing_heard(item_name inactivity) {
  observed_events_descriptor events;
  events.id = request_id{0};
  observed_event silence;
  silence.name = inactivity;
  events.events.push_back(std::move(silence));
  action a;
  a.context = context_id::null();
  auto& c = a.commands.emplace_back();
  c.kind = command_kind::notify;
  c.terminations.push_back(termination_id::root());
  c.add(std::move(events));
  return a;
}

}  // namespace

void registration::impl::keep_delay(const services_descriptor& services) {
  const auto method = *services.method;
  const bool goes = method == change_method::graceful || method == change_method::forced;
  if (!goes && method != change_method::restart) return;
  ordered.reset();
  const auto delay = services.delay.value_or(0);
  if (goes && delay > 0) ordered.emplace(deadline_after(std::chrono::seconds(delay)), method);
  order_came.set();
}

awaitable<void> registration::impl::keep_orders() {
  for (;;) {
    const auto by = ordered ? ordered->first : no_deadline;
    co_await within(by, order_came.wait());
    if (!ordered || clock::now() < ordered->first) continue;
    const auto method = ordered->second;
    ordered.reset();
    log::info("h248: the delay of the MGC's {} is over", method == change_method::forced ? "Forced" : "Graceful");
    const auto copy = order_observers;  // one may add another
    for (const auto& observer : copy) observer(method);
  }
}

awaitable<void> registration::impl::watch_mgc() {
  for (;;) {
    std::optional<clock::time_point> heard;
    if (current) heard = std::max(control.last_heard(*current), control.last_heard(*registrar));
    const auto due = current ? machine.question_due(heard) : no_deadline;
    if (clock::now() < due) {
      co_await within(due, watch_changed.wait());
      continue;
    }
    log::debug("h248: {} is silent, and is asked", to_text(*current));
    machine.asked(clock::now());
    auto question = control.request(*current, only(nothing_heard(item_name::of(config.inactivity_event))));
    // No reply at all is the endpoint's peer_event::silent.
    const auto reply = co_await std::move(question);
    if (reply) disowned(*reply);
  }
}

void registration::configure(const registration_config& from) {
  auto& i = *impl_;
  const auto names_current = [&](const std::vector<peer_name>& mgcs) {
    return std::ranges::any_of(mgcs, [&](const peer_name& mgc) {
      const auto address = numeric(mgc);
      const auto is_current = [&](const peer_address& a) { return i.current && (a == *i.current || a == *i.registrar); };
      return address ? is_current(*address) : std::ranges::any_of(i.named, is_current);
    });
  };
  const bool changes = from.mgcs != i.config.mgcs;
  // One that a HandOff named, or a name that resolves to another address by now, is none of ours to judge.
  const bool left = changes && names_current(i.config.mgcs) && !names_current(from.mgcs);
  const bool only_names = std::ranges::all_of(from.mgcs, [](const peer_name& mgc) { return !numeric(mgc); });
  i.config.mgcs = from.mgcs;
  i.config.handoff = from.handoff;
  i.config.silence = from.silence;
  i.config.inactivity_event = from.inactivity_event;
  i.config.attempt_timeout = from.attempt_timeout;
  i.config.min_retry_delay = from.min_retry_delay;
  i.config.max_retry_delay = from.max_retry_delay;
  i.config.max_waiting_delay = from.max_waiting_delay;
  i.watch_changed.set();
  if (!changes) return;
  i.machine.mgcs_changed(left && !only_names, clock::now());
  if (i.current && !i.machine.registered()) {
    log::warn("h248: the MGC {} is not configured any more", to_text(*i.current));
    i.leave_current();
    i.set(registration_state::waiting);
  }
  i.names_wanted = true;
  i.update_peers();
  i.changed.set();
}

// A reply that says the MGC does not know us. True: it is lost, and is asked to take us again.
bool registration::impl::disowned(const incoming_reply& reply) {
  const auto* error = reply.error();
  if (error == nullptr || !current || !control.same_peer(reply.from(), *current) || state == registration_state::left) return false;
  const auto now = clock::now();
  if (!machine.disowned(error->code, now)) return false;
  log::warn("h248: the MGC {} does not know us: {} \"{}\"", to_text(*current), static_cast<unsigned>(error->code), log::printable(error->text));
  leave_current();
  set(registration_state::waiting);
  changed.set();
  return true;
}

}  // namespace agw::h248
