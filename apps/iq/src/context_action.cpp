// Add, Modify and Subtract, and what every command has in common.
#include "context_action.hpp"

#include <algorithm>
#include <utility>

#include "audits.hpp"
#include "chosen_properties.hpp"
#include "context_home.hpp"
#include "termination_name.hpp"

namespace agw::iq {

using h248::error_code;

bool names_no_termination(h248::termination_id name) noexcept { return name.has_choose() || name.is_root(); }

bool fits_profile(h248::action_state& at, const h248::command& c, h248::sessions_by_stream& sessions) {
  const auto objections = h248::check_profile(c, sessions);
  if (!objections.empty()) at.fail(c, objections.front().code, objections.front().what);
  return objections.empty();
}

const gateway_facts& context_action::owner_facts(context_owner& owner) { return owner.facts(); }

std::string context_action::too_many() const {
  return "context " + std::to_string(owner_.id().value) + " has " + std::to_string(owner_.record().terminations.size());
}

h248::command& context_action::answer(h248::action_state& at, const h248::command& c, const termination_record& t) {
  if (for_itself_) at.answer_under(owner_.id());
  return at.answer(c, h248::termination_id{t.name});
}

// The termination that failed, which a wildcard does not tell; one that was to be added has no name yet.
void context_action::fail(h248::action_state& at, const h248::command& c, const termination_record& t, const command_error& why) {
  if (for_itself_) at.answer_under(owner_.id());
  if (c.kind == h248::command_kind::add) at.fail(c, why.code, why.text);
  else at.fail(c, h248::termination_id{t.name}, why.code, why.text);
}

awaitable<void> context_action::begin(h248::action_state& at) {
  if (terms_.makes_context) at.set_context(owner_.id());
  co_return;
}

awaitable<void> context_action::run(h248::action_state& at, const h248::command& c) {
  h248::sessions_by_stream sessions;
  if (!fits_profile(at, c, sessions)) co_return;
  auto run = [&](const h248::command& one) { return run_one(at, one, sessions); };
  co_await one_by_one(c, std::move(run));
  if (!progress_.topology.empty()) set_topology(at);
}

awaitable<void> context_action::run_one(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions) {
  switch (c.kind) {
    case h248::command_kind::add: co_await add(at, c, sessions); break;
    case h248::command_kind::move: cannot_move(at, c); break;
    case h248::command_kind::notify: at.fail(c, error_code::unknown_command, "Notify towards a gateway"); break;
    default: (void)co_await visit_with(at, c, sessions); break;
  }
}

awaitable<visit> context_action::visit_with(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions) {
  if (names_no_termination(c.termination())) {
    at.fail(c, error_code::incorrect_identifier, c.termination().name);
    co_return visit();
  }
  switch (c.kind) {
    case h248::command_kind::modify: co_return co_await modify(at, c, sessions);
    case h248::command_kind::subtract: co_return co_await subtract(at, c);
    case h248::command_kind::audit_value: co_return audit_value(at, c);
    case h248::command_kind::audit_capability: co_return audit_capability(at, c);
    case h248::command_kind::service_change: co_return co_await change_service(at, c);
    default: break;
  }
  at.fail(c, error_code::unknown_command);
  co_return visit();
}

// Of the terminations of other contexts none has come: those were not there, or stand here already.
void context_action::cannot_move(h248::action_state& at, const h248::command& c) {
  const auto pattern = c.termination();
  if (names_no_termination(pattern)) return at.fail(c, error_code::incorrect_identifier, pattern.name);
  const bool here = std::ranges::any_of(owner_.record().terminations, [&](const auto& entry) {
    const h248::termination_id name{entry.second->name};
    return pattern.has_all() ? pattern.matches(name) : pattern == name;
  });
  const auto code = here                ? error_code::termination_in_context
                    : pattern.has_all() ? error_code::no_termination_matched
                                        : error_code::unknown_termination;
  at.fail(c, code, pattern.name);
}

std::vector<termination_record*> context_action::standing(h248::termination_id pattern) {
  std::vector<termination_record*> out;
  if (pattern.has_all()) {
    for (const auto& [key, t] : owner_.record().terminations) {
      if (pattern.matches(h248::termination_id{t->name})) out.push_back(t.get());
    }
  } else if (auto* const t = owner_.find(lower(pattern.name))) {
    out.push_back(t);
  }
  return out;
}

std::vector<termination_record*> context_action::matching(h248::action_state& at, const h248::command& c) {
  const auto pattern = c.termination();
  auto out = standing(pattern);
  if (!out.empty() || for_itself_) return out;
  const auto code = pattern.has_all()                                   ? error_code::no_termination_matched
                    : terms_.elsewhere.contains(lower(pattern.name)) ? error_code::termination_not_in_context
                                                                      : error_code::unknown_termination;
  at.fail(c, code, pattern.name);
  return out;
}

// Interface CHOOSE follows the realms of the streams; whether they fit the interface is seen with the media.
checked<const interface_config*> context_action::interface_for(const h248::command& c) const {
  const auto asked = c.termination();
  const auto fields = split(asked);
  if (asked.is_root() || asked.has_all() || !fields) return command_error(error_code::incorrect_identifier, std::string(asked.name));
  if (owner_.record().terminations.size() >= facts_.config.max_terminations_per_context) {
    return command_error(error_code::too_many_terminations, too_many());
  }
  const interface_config* found = nullptr;
  if (fields->interface == "$") {
    found = &facts_.config.interfaces.front();
    if (const auto* media = c.find<h248::media_descriptor>()) {
      const auto by_realm = interface_of_realms(*media, facts_.config.interfaces);
      if (!by_realm) return by_realm.error();
      if (*by_realm) found = *by_realm;
    }
  } else {
    found = facts_.interface(fields->interface);
  }
  if (!found || (fields->group != "$" && fields->group != std::to_string(facts_.config.group))) {
    return command_error(error_code::unknown_termination, std::string(asked.name));
  }
  if (terms_.service->out_of_service) return command_error(error_code::service_unavailable, "ROOT is out of service");
  if (!terms_.service->serves(found->name)) {
    return command_error(error_code::service_unavailable,
                         "ip/" + std::to_string(facts_.config.group) + "/" + found->name + " is out of service");
  }
  return found;
}

checked<std::unique_ptr<termination_record>> context_action::fresh_termination(const h248::command& c) {
  const auto interface = interface_for(c);
  if (!interface) return interface.error();
  const auto asked = c.termination();
  auto out = std::make_unique<termination_record>();
  out->interface = (*interface)->name;
  if (asked.has_choose()) {
    out->id = gateway::termination_id{terms_.fresh.at(progress_.fresh_used)};

    out->name = make_name(facts_.config.group, out->interface, out->id.value);
  } else {
    out->name = std::string(asked.name);
    const auto key = lower(out->name);
    if (owner_.find(key) || terms_.elsewhere.contains(key)) return command_error(error_code::termination_in_context, out->name);
    out->id = gateway::termination_id{terms_.plain.at(progress_.plain_used)};
  }
  ++(asked.has_choose() ? progress_.fresh_used : progress_.plain_used);
  return out;
}

awaitable<void> context_action::add(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions) {
  auto fresh = fresh_termination(c);
  if (!fresh) {
    at.fail(c, fresh.error().code, fresh.error().text);
    co_return;
  }
  auto& t = owner_.enrol(std::move(*fresh));
  const bool added = co_await configure(at, c, sessions, t);
  if (!added) {
    (void)owner_.strike(lower(t.name));
    co_return;
  }
  progress_.untouched = false;
  if (progress_.chosen.empty() && c.termination().has_choose()) progress_.chosen = lower(t.name);
}

awaitable<bool> context_action::configure(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions,
                                          termination_record& t) {
  auto plan = plan_termination(c, sessions, t, facts_);
  if (!plan) {
    fail(at, c, t, plan.error());
    co_return false;
  }
  auto change = plan->change;
  auto& call = owner_.record().call;
  call.hold();  // what a new association ends is not ended by its peer
  const auto chosen = co_await owner_.gate().apply(std::move(change));
  call.release();
  if (!chosen) {
    fail(at, c, t, error_of(chosen.error()));
    co_return false;
  }
  auto& reply = answer(at, c, t);
  commit(at, reply, std::move(*plan), *chosen, t);
  // What the change has set off is reported when this turn is over: the command's Events meet it.
  subscribe(c, t);
  if (const auto* audit = c.find<h248::audit_descriptor>()) {
    const auto counted = asks_for_statistics(*audit) ? owner_.gate().statistics(t.id) : gateway::termination_statistics();
    add_audit(at, reply, *audit, t, counted);
  }
  // From here on the answer is out of reach: with Context=* others answer meanwhile.
  if (!t.serves()) co_await owner_.apply_service(t);
  if (const auto* signals = c.find<h248::signals_descriptor>()) {
    auto owned = std::make_shared<const owned_signals>(*signals);
    co_await owner_.play(t, std::move(owned));
  }
  co_return true;
}

awaitable<visit> context_action::modify(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions) {
  visit out;
  const auto all = matching(at, c);
  out.matched = out.answered = all.size();
  for (auto* const t : all) (void)co_await configure(at, c, sessions, *t);
  co_return out;
}

awaitable<visit> context_action::subtract(h248::action_state& at, const h248::command& c) {
  visit out;
  const auto all = matching(at, c);
  out.matched = out.answered = all.size();
  std::vector<gateway::termination_id> ids;
  for (auto* const t : all) {
    owner_.silence(*t);
    ids.push_back(t->id);
  }
  auto& call = owner_.record().call;
  call.hold();
  const auto counted = co_await owner_.gate().remove(ids);
  call.release();
  const auto* audit = c.find<h248::audit_descriptor>();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto gone = owner_.strike(lower(all[i]->name));
    call.count(*gone, counted[i]);
    auto& reply = answer(at, c, *gone);
    if (audit) add_audit(at, reply, *audit, *gone, counted[i]);
    else answer_statistics(at, reply, counted[i]);
  }
  co_return out;
}

std::optional<command_error> refused_service_change(const h248::command& c) {
  const auto* services = c.find<h248::services_descriptor>();
  if (!services || !services->method) {
    return command_error(error_code::required_information_missing, services ? "Method" : "Services");
  }
  switch (*services->method) {
    case h248::change_method::forced:
    case h248::change_method::graceful:
    case h248::change_method::restart: break;
    default: return command_error(error_code::unknown_value, "Method: a termination can be Forced, Graceful or Restart");
  }
  if (names_no_termination(c.termination())) return command_error(error_code::incorrect_identifier, std::string(c.termination().name));
  return std::nullopt;
}

awaitable<visit> context_action::put_in_service(h248::termination_id pattern, bool in_service) {
  const auto all = standing(pattern);
  visit out;
  out.matched = out.answered = all.size();
  for (auto* const t : all) {
    t->service = in_service ? h248::service_state::in_service : h248::service_state::out_of_service;
    co_await owner_.apply_service(*t);
  }
  co_return out;
}

// Graceful lets what stands go on to its end.
awaitable<visit> context_action::change_service(h248::action_state& at, const h248::command& c) {
  visit out;
  if (const auto refused = refused_service_change(c)) {
    at.fail(c, refused->code, refused->text);
    co_return out;
  }
  const auto method = *c.find<h248::services_descriptor>()->method;
  out.matched = out.answered = matching(at, c).size();
  if (out.matched == 0) co_return out;
  if (method != h248::change_method::graceful) co_await put_in_service(c.termination(), method == h248::change_method::restart);
  at.answer(c);
  co_return out;
}

visit context_action::audit_value(h248::action_state& at, const h248::command& c) {
  visit out;
  const auto& wanted = asked_for(c);
  const bool any = at.asked().audit && at.asked().audit->logic == h248::select_logic::any_of;
  const auto all = matching(at, c);
  out.matched = all.size();
  for (auto* const t : all) {
    if (!selected(wanted, *t, any)) continue;
    ++out.answered;
    t->touched = clock::now();
    const auto counted = asks_for_statistics(wanted) ? owner_.gate().statistics(t->id) : gateway::termination_statistics();
    add_audit(at, answer(at, c, *t), wanted, *t, counted);
  }
  if (out.answered == 0 && out.matched > 0 && !for_itself_) at.fail(c, error_code::no_termination_matched, c.termination().name);
  return out;
}

visit context_action::audit_capability(h248::action_state& at, const h248::command& c) {
  visit out;
  const auto all = matching(at, c);
  out.matched = out.answered = all.size();
  for (const auto* const t : all) answer_capability(at, answer(at, c, *t), asked_for(c), facts_, false);
  return out;
}

// The last Subtract, or an Add that failed in a new context, deletes the context (H.248.1 6.1.1). The answer names none then that nobody can have
// heard of. Nor has anybody heard of a context that was made by a transaction which took too long.
awaitable<void> context_action::end(h248::action_state& at) {
  if (!progress_.topology.empty()) topology_failed(at);
  if (!at.good()) take_back_properties();
  const bool unheard = terms_.makes_context && !progress_.took && at.whole().given_up();
  if (!unheard && !owner_.record().terminations.empty()) {
    owner_.begin_call(h248::to_text(at.request().from()));
    owner_.wake();
    co_return;
  }
  if (terms_.makes_context && progress_.untouched) at.set_context(h248::context_id::choose());
  gone_ = true;
  co_await owner_.close();
}

}  // namespace agw::iq
