// ROOT: properties of the gateway as a whole, and ServiceChange by the MGC, on ROOT and on terminations of every context.
#include <algorithm>
#include <atomic>
#include <utility>

#include <boost/asio/post.hpp>

#include "audits.hpp"
#include "everywhere_action.hpp"
#include "plan.hpp"
#include "root_values.hpp"
#include "termination_name.hpp"

namespace agw::iq {

using h248::error_code;

awaitable<void> everywhere_action::run_on_root(h248::action_state& at, const h248::command& c) {
  // The list of contexts is an audit of ROOT in each of them.
  const bool lists_contexts = c.kind == h248::command_kind::audit_value && at.asked().context.is_all();
  const bool concerns_root = c.kind == h248::command_kind::modify || c.kind == h248::command_kind::audit_value ||
                             c.kind == h248::command_kind::audit_capability || c.kind == h248::command_kind::service_change;
  if (!concerns_root || (!at.asked().context.is_null() && !lists_contexts)) {
    at.fail(c, error_code::incorrect_identifier, "ROOT");
    co_return;
  }
  switch (c.kind) {
    case h248::command_kind::modify: modify_root(at, c); break;
    case h248::command_kind::audit_value: co_await audit_root(at, c); break;
    case h248::command_kind::audit_capability: audit_capability_of_root(at, c); break;
    default: co_await change_service_of_root(at, c); break;
  }
}

void everywhere_action::modify_root(h248::action_state& at, const h248::command& c) {
  auto settings = control_.control_.transactions();
  if (const auto* media = c.find<h248::media_descriptor>()) {
    if (media->single || !media->streams.empty()) return at.fail(c, error_code::descriptor_not_legal, "Stream on ROOT");
    if (media->state) {
      for (const auto& p : media->state->properties) {
        if (const auto refused = set_root_value(p, settings)) return at.fail(c, refused->code, refused->text);
      }
    }
  }
  control_.control_.set_transactions(settings);
  if (c.find<h248::events_descriptor>()) control_.root_.moved = clock::now();
  subscribe(c, control_.root_);
  control_.root_changed_.set();
  at.answer(c);
}

std::vector<h248::property> gateway_control::root_properties(h248::action_state& at) const {
  std::vector<h248::property> out;
  const auto add = [&](std::string_view name, std::uint64_t value) {
    h248::property p;
    p.name = h248::item_name::of(name);
    p.values = h248::one(at.keep(std::to_string(value)));
    out.push_back(std::move(p));
  };
  add("root/maxNumberOfContexts", facts_.config.max_contexts);
  add("root/maxTerminationsPerContext", facts_.config.max_terminations_per_context);
  for (const auto* name : {"root/normalMGExecutionTime", "root/normalMGCExecutionTime", "root/MGProvisionalResponseTimerValue",
                           "root/MGCProvisionalResponseTimerValue", "root/MGCOriginatedPendingLimit", "root/MGOriginatedPendingLimit"}) {
    if (const auto value = root_value(h248::item_name::of(name), control_.transactions())) add(name, *value);
  }
  h248::property served;
  served.name = h248::item_name::of("ipra/ar");
  served.values.form = h248::value_form::sublist;
  for (const auto& realm : realms()) served.values.values.push_back(h248::quoted(at.keep(realm)));
  if (served.values.values.size() == 1) served.values.form = h248::value_form::single;
  if (!served.values.values.empty()) out.push_back(std::move(served));
  return out;
}

void gateway_control::answer_root_audit(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted) {
  const auto service = draining_ ? h248::service_state::out_of_service : h248::service_state::in_service;
  iq::answer_root_audit(at, answer, wanted, root_, root_properties(at), service);
}

awaitable<void> everywhere_action::audit_root(h248::action_state& at, const h248::command& c) {
  constexpr std::size_t in_one_turn = 512;  // of the control loop
  const auto all = at.asked().context.is_all() ? contexts_of(h248::termination_id{"*"}) : std::vector<h248::context_id>();
  for (std::size_t i = 0; i < all.size() && !at.whole().full(); ++i) {
    at.answer_under(all[i]);
    at.answer(c);
    if (i % in_one_turn == in_one_turn - 1) co_await asio::post(control_.control_.get_executor(), use_awaitable);
  }
  if (all.empty()) control_.answer_root_audit(at, at.answer(c), asked_for(c));
}

void everywhere_action::audit_capability_of_root(h248::action_state& at, const h248::command& c) {
  answer_capability(at, at.answer(c), asked_for(c), control_.facts_, true);
}

awaitable<void> everywhere_action::change_service_of_root(h248::action_state& at, const h248::command& c) {
  const auto* services = c.find<h248::services_descriptor>();
  if (!services || !services->method) {
    at.fail(c, error_code::required_information_missing, services ? "Method" : "Services");
    co_return;
  }
  const auto method = *services->method;
  if (const auto refused = control_.registration_.service_change(at.request(), *services)) {
    at.fail(c, *refused, "ServiceChange of ROOT");
    co_return;
  }
  // With a Delay, Forced takes effect when it is over: registration says so.
  const bool later = services->delay.value_or(0) > 0;
  const bool forced = method == h248::change_method::forced && !later, restart = method == h248::change_method::restart;
  if (method == h248::change_method::forced || method == h248::change_method::graceful) control_.draining_ = true;
  if (restart) control_.draining_ = control_.leaving_;
  // Forced takes what stands out of service at once, Restart brings it back; both leave the calls to the MGC to subtract.
  if (forced || restart) {
    control_.out_of_service_ = forced;
    control_.renew_service();
    (void)co_await put_in_service(h248::termination_id{"*"}, restart);
  }
  at.answer(c);
}

// Contexts that are being made are among them: an Add that began with the service status of before ends with the new one.
awaitable<std::size_t> everywhere_action::put_in_service(h248::termination_id pattern, bool in_service) {
  std::atomic<std::size_t> concerned = 0;
  auto act = [&concerned, pattern, in_service, service = control_.service_](context_owner& owner) -> awaitable<void> {
    action_terms terms;
    terms.service = service;
    action_progress progress;
    context_action action(owner, terms, progress);
    const auto here = co_await action.put_in_service(pattern, in_service);
    concerned += here.matched;
  };
  co_await control_.in_every_context(std::move(act));
  co_return concerned.load();
}

awaitable<void> everywhere_action::change_service(h248::action_state& at, const h248::command& c) {
  const auto refused = refused_service_change(c);
  if (refused) {
    at.fail(c, refused->code, refused->text);
    co_return;
  }
  const auto pattern = c.termination();
  // One that stands in a context is not in the NULL context; wildcards there mean all that there are.
  if (at.asked().context.is_null() && pattern.is_specific() && control_.directory_.where(lower(pattern.name))) {
    at.fail(c, error_code::termination_not_in_context, pattern.name);
    co_return;
  }
  const auto method = *c.find<h248::services_descriptor>()->method;
  const bool restart = method == h248::change_method::restart, graceful = method == h248::change_method::graceful;
  const bool interfaces = change_interfaces(pattern, restart);
  // Graceful lets what stands go on to its end: only nothing new comes.
  std::size_t concerned = 0;
  if (graceful) concerned = contexts_of(pattern).size();
  else concerned = co_await put_in_service(pattern, restart);
  if (concerned == 0 && !interfaces) {
    at.fail(c, pattern.has_all() ? error_code::no_termination_matched : error_code::unknown_termination, pattern.name);
    co_return;
  }
  at.answer(c);
}

// A pattern without an id means the interfaces themselves: what will be added stands on them too.
bool everywhere_action::change_interfaces(h248::termination_id pattern, bool restart) {
  const auto fields = split(pattern);
  if (!fields || fields->id != "*") return false;
  bool named = false;
  for (const auto& i : control_.facts_.config.interfaces) {
    const auto any = make_name(control_.facts_.config.group, i.name, 0);
    if (!pattern.matches(h248::termination_id{any})) continue;
    named = true;
    if (restart) control_.taken_out_.erase(lower(i.name));
    else control_.taken_out_.insert(lower(i.name));
  }
  control_.renew_service();
  return named;
}

}  // namespace agw::iq
