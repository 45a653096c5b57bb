#include "agw/core/log.hpp"
#include "agw/h248/profile_check.hpp"
#include "audits.hpp"
#include "chosen_properties.hpp"
#include "termination_name.hpp"

namespace agw::iq {

using h248::error_code;

awaitable<bool> command_runner::enter(std::shared_ptr<context_record> record) {
  passes_.push_back(co_await turnstile::enter(record->turn));
  record_ = std::move(record);
  co_return !record_->closing;  // the one before us may have ended the context
}

awaitable<void> command_runner::begin(h248::action_state& at) {
  record_ = nullptr;
  passes_.clear();
  topology_.clear();
  chosen_.clear();
  made_ = ours_ = false;
  if (state_.closing) {
    at.fail(error_code::service_unavailable, "the gateway is ending");
    co_return;
  }
  const auto id = at.asked().context;
  if (id.is_null() || id.is_all()) co_return;
  if (id.is_choose()) {
    if (state_.contexts.size() + state_.making >= state_.config.max_contexts) {
      at.fail(error_code::no_contexts_available);
      co_return;
    }
    if (state_.draining) {
      at.fail(error_code::service_unavailable, "Context=$: the gateway is taken out of service");
      co_return;
    }
    if (const auto needed = needed_priority()) {
      const auto& wanted = at.asked().properties;
      if (!wanted.emergency.value_or(false) && !wanted.ieps.value_or(false) && wanted.priority.value_or(0) < *needed) {
        at.fail(error_code::insufficient_resources, "overload: priority " + std::to_string(*needed) + " is needed");
        co_return;
      }
    }
    const auto sources = sources_of(at.asked());
    auto made = co_await state_.make_context(sources.empty() ? nullptr : sources.begin()->second->home);
    if (!made) {
      at.fail(error_code::service_unavailable, "the gateway is ending");
      co_return;
    }
    at.set_context(made->id);
    made_ = ours_ = true;
    const bool entered = co_await enter_all(sources, std::move(made));
    if (!entered) at.fail(error_code::service_unavailable, "the gateway is ending");
    co_return;
  }
  auto found = state_.find(id.value);
  const bool there = found && co_await enter_all(sources_of(at.asked()), std::move(found));
  if (!there) at.fail(error_code::unknown_context, std::to_string(id.value));
}

awaitable<void> command_runner::end(h248::action_state& at) {
  // The last Subtract, or an Add that failed in a new context, deletes the context (H.248.1 6.1.1). The answer names none then that
  // nobody can have heard of.
  if (!topology_.empty()) topology_failed(at);
  // Nobody has heard of a context that was made by a transaction which took too long.
  if (record_ && ours_ && at.whole().given_up() && !record_->closing) {
    co_await state_.drop(record_);
    record_ = nullptr;
    passes_.clear();
    co_return;
  }
  if (record_ && !record_->closing && record_->terminations.empty()) {
    if (made_) at.set_context(h248::context_id::choose());
    co_await state_.drop(record_);
  }
  record_ = nullptr;
  passes_.clear();
}

// From overload_percent on, the priority that a new context needs rises from 1 to 15 with the load.
std::optional<unsigned> command_runner::needed_priority() const {
  const double from = state_.config.overload_percent / 100.0, load = state_.load();
  if (state_.config.overload_percent >= 100 || load < from) return std::nullopt;
  return std::min(15u, 1u + static_cast<unsigned>((load - from) / (1.0 - from) * 15.0));
}

awaitable<void> command_runner::run(h248::action_state& at, const h248::command& c) {
  const auto objections = h248::check_profile(c);
  if (!objections.empty()) {
    at.fail(c, objections.front().code, objections.front().what);
    co_return;
  }
  if (c.terminations.size() < 2) {
    co_await run_one(at, c);
  } else {  // version 3: as with a wildcard, each of the list is tried, whatever becomes of the others
    auto one = c;
    for (const auto& termination : c.terminations) {
      one.terminations.clear();
      one.terminations.push_back(termination);
      co_await run_one(at, one);
    }
  }
  if (!topology_.empty()) co_await set_topology(at);
}

awaitable<void> command_runner::run_one(h248::action_state& at, const h248::command& c) {
  switch (c.kind) {
    case h248::command_kind::add: co_await add(at, c); break;
    case h248::command_kind::modify: co_await modify(at, c); break;
    case h248::command_kind::subtract: co_await subtract(at, c); break;
    case h248::command_kind::audit_value: co_await audit_value(at, c); break;
    case h248::command_kind::audit_capability: co_await audit_capability(at, c); break;
    case h248::command_kind::service_change: co_await service_change(at, c); break;
    case h248::command_kind::move: co_await move(at, c); break;
    case h248::command_kind::notify: at.fail(c, error_code::unknown_command, "Notify towards a gateway"); break;
  }
}

std::string too_many(const context_record& record) {
  return "context " + std::to_string(record.id.value) + " has " + std::to_string(record.terminations.size());
}

awaitable<void> command_runner::add(h248::action_state& at, const h248::command& c) {
  const auto asked = c.termination();
  if (!record_) {
    at.fail(c, error_code::unknown_action, "Add needs a context");
    co_return;
  }
  const auto fields = split(asked);
  if (asked.is_root() || asked.has_all() || !fields) {
    at.fail(c, error_code::incorrect_identifier, asked.name);
    co_return;
  }
  if (record_->terminations.size() >= state_.config.max_terminations_per_context) {
    at.fail(c, error_code::too_many_terminations, too_many(*record_));
    co_return;
  }
  // Interface CHOOSE follows the realms of the streams; whether they fit the interface is seen with the media.
  const interface_config* by_realm = nullptr;
  const bool choose_interface = fields->interface == "$";
  if (const auto* media = c.find<h248::media_descriptor>(); media && choose_interface) {
    const auto found = interface_of_realms(*media, state_.config.interfaces);
    if (!found) {
      at.fail(c, found.error().code, found.error().text);
      co_return;
    }
    by_realm = *found;
  }
  const auto* interface = choose_interface ? (by_realm ? by_realm : &state_.config.interfaces.front()) : state_.interface(fields->interface);
  if (!interface || (fields->group != "$" && fields->group != std::to_string(state_.config.group))) {
    at.fail(c, error_code::unknown_termination, asked.name);
    co_return;
  }
  if (state_.out_of_service) {
    at.fail(c, error_code::service_unavailable, "ROOT is out of service");
    co_return;
  }
  if (!state_.in_service(interface->name)) {
    at.fail(c, error_code::service_unavailable, "ip/" + std::to_string(state_.config.group) + "/" + interface->name + " is out of service");
    co_return;
  }
  auto termination = std::make_shared<termination_record>();
  if (fields->id == "$") {
    do {
      termination->id = gateway::termination_id{state_.free_termination_id()};
      termination->name = make_name(state_.config.group, interface->name, termination->id.value);
    } while (state_.find_termination(termination->name));
  } else {
    termination->name = std::string(asked.name);
    if (state_.find_termination(termination->name)) {
      at.fail(c, error_code::termination_in_context, asked.name);
      co_return;
    }
    termination->id = gateway::termination_id{state_.free_termination_id()};
  }
  termination->interface = interface->name;
  state_.enrol(record_, termination);
  if (!co_await configure(at, c, record_, termination)) {
    state_.strike(*record_, lower(termination->name));
    co_return;
  }
  made_ = false;
  if (chosen_.empty() && asked.has_choose()) chosen_ = lower(termination->name);
}

awaitable<void> command_runner::modify(h248::action_state& at, const h248::command& c) {
  if (c.termination().is_root()) {
    co_await modify_root(at, c);
    co_return;
  }
  if (c.termination().has_choose()) {
    at.fail(c, error_code::incorrect_identifier, c.termination().name);
    co_return;
  }
  for (auto& [record, termination] : matching(at, c)) {
    turnstile::pass turn;
    if (record != record_) {
      turn = co_await turnstile::enter(record->turn);
      if (!record->holds(*termination)) continue;  // another transaction was quicker
      at.answer_under(record->id);
    }
    co_await configure(at, c, record, termination);
  }
}

awaitable<void> command_runner::subtract(h248::action_state& at, const h248::command& c) {
  if (c.termination().has_choose() || c.termination().is_root()) {
    at.fail(c, error_code::incorrect_identifier, c.termination().name);
    co_return;
  }
  const auto* audit = c.find<h248::audit_descriptor>();
  for (auto& [record, termination] : matching(at, c)) {
    const bool other = record != record_;
    turnstile::pass turn;
    if (other) turn = co_await turnstile::enter(record->turn);
    if (!record->holds(*termination)) continue;
    if (other) at.answer_under(record->id);
    for (const auto& signal : std::exchange(termination->signals, {})) {
      state_.end_signal(record, termination, signal, h248::completion_reason::other);
    }
    auto remove = [context = record->context.get(), id = termination->id]() -> awaitable<gateway::termination_statistics> {
      co_return co_await context->remove(id);
    };
    const auto counted = co_await on(*record->home, remove);
    state_.strike(*record, lower(termination->name));
    auto& answer = at.answer(c, h248::termination_id{termination->name});
    if (!audit) answer_statistics(at, answer, counted);
    else add_audit(at, answer, *audit, *termination, counted);
    at.whole().hold(termination);
    if (other && record->terminations.empty()) co_await state_.drop(record);
  }
}

std::vector<std::pair<std::shared_ptr<context_record>, std::shared_ptr<termination_record>>> command_runner::matching(
    h248::action_state& at, const h248::command& c) {
  std::vector<std::pair<std::shared_ptr<context_record>, std::shared_ptr<termination_record>>> out;
  const auto pattern = c.termination();
  const auto from = [&](const std::shared_ptr<context_record>& record) {
    for (const auto& [key, termination] : record->terminations) {
      const h248::termination_id name{termination->name};
      if (pattern.has_all() ? pattern.matches(name) : pattern == name) out.emplace_back(record, termination);
    }
  };
  if (record_) {
    from(record_);
  } else if (at.asked().context.is_all()) {
    for (const auto& [id, record] : state_.contexts) from(record);
  }
  if (!out.empty()) return out;
  if (pattern.has_all()) {
    at.fail(c, error_code::no_termination_matched, pattern.name);
  } else if (state_.find_termination(pattern.name)) {
    at.fail(c, error_code::termination_not_in_context, pattern.name);
  } else {
    at.fail(c, error_code::unknown_termination, pattern.name);
  }
  return out;
}

}  // namespace agw::iq
