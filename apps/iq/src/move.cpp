// Move: a termination with its layers up goes from one context to another (H.248.1 7.2.4).
#include <utility>

#include "commands.hpp"
#include "termination_name.hpp"

namespace agw::iq {

using h248::error_code;

std::map<std::uint32_t, std::shared_ptr<context_record>> command_runner::sources_of(const h248::action& asked) const {
  std::map<std::uint32_t, std::shared_ptr<context_record>> out;
  for (const auto& c : asked.commands) {
    if (c.kind != h248::command_kind::move) continue;
    const auto pattern = c.termination();
    std::shared_ptr<context_record> where;
    if (!pattern.has_all()) {
      if (state_.find_termination(pattern.name, &where)) out.emplace(where->id.value, where);
      continue;
    }
    for (const auto& [id, record] : state_.contexts) {
      for (const auto& entry : record->terminations) {
        if (pattern.matches(h248::termination_id{entry.second->name})) out.emplace(id, record);
      }
    }
  }
  return out;
}

awaitable<bool> command_runner::enter_all(std::map<std::uint32_t, std::shared_ptr<context_record>> others,
                                          std::shared_ptr<context_record> record) {
  others.insert_or_assign(record->id.value, record);
  for (const auto& entry : others) co_await enter(entry.second);
  record_ = std::move(record);
  co_return !record_->closing;
}

awaitable<void> command_runner::move(h248::action_state& at, const h248::command& c) {
  const auto pattern = c.termination();
  if (!record_) {
    at.fail(c, error_code::unknown_action, "Move needs a context");
    co_return;
  }
  if (pattern.is_root() || pattern.has_choose()) {
    at.fail(c, error_code::incorrect_identifier, pattern.name);
    co_return;
  }
  // What stands in the contexts that were entered; what has come elsewhere meanwhile is another transaction's.
  std::vector<std::pair<std::shared_ptr<context_record>, std::shared_ptr<termination_record>>> found;
  bool here = false;
  for (const auto& [id, record] : sources_of(at.asked())) {
    for (const auto& [key, termination] : record->terminations) {
      const h248::termination_id name{termination->name};
      if (pattern.has_all() ? !pattern.matches(name) : !(pattern == name)) continue;
      here = here || record == record_;
      if (record != record_ && !record->closing) found.emplace_back(record, termination);
    }
  }
  if (found.empty()) {
    const auto code = here                ? error_code::termination_in_context
                      : pattern.has_all() ? error_code::no_termination_matched
                                          : error_code::unknown_termination;
    at.fail(c, code, pattern.name);
    co_return;
  }
  for (auto& [from, termination] : found) {
    if (!co_await move_one(at, c, from, termination)) co_return;
  }
}

namespace {

using parked = std::shared_ptr<gateway::parked_termination>;
template <class T>
using given = boost::system::result<T, gateway::refusal>;

}  // namespace

awaitable<checked<void>> command_runner::relocate(std::shared_ptr<context_record> record, shard* home) {
  std::vector<gateway::termination_id> ids;
  for (const auto& entry : record->terminations) ids.push_back(entry.second->id);
  const auto rules = gate_rules(*record, record->topology);
  // The rules come before what they are about: nothing passes meanwhile that may not.
  auto leave = [context = record->context.get(), ids, rules]() -> awaitable<given<std::vector<parked>>> {
    std::vector<parked> all;
    for (const auto id : ids) {
      auto one = co_await context->park(id);
      if (one) {
        all.push_back(std::move(*one));
        continue;
      }
      tell(*context, rules);
      for (const auto& back : all) context->resume(back);
      co_return one.error();
    }
    co_return all;
  };
  const given<std::vector<parked>> left = co_await on(*record->home, leave);
  if (!left) co_return error_of(left.error());
  auto fresh = co_await state_.build(record->id, *home);
  auto* const before = std::exchange(record->home, home);
  const auto old = std::make_shared<std::unique_ptr<gateway::context>>(std::exchange(record->context, std::move(fresh)));
  auto enter = [context = record->context.get(), all = *left, rules]() -> awaitable<void> {
    tell(*context, rules);
    for (const auto& one : all) context->resume(one);
    co_return;
  };
  co_await on(*record->home, enter);
  auto end = [old]() -> awaitable<void> {
    co_await (*old)->close();
    old->reset();
  };
  co_await on(*before, end);
  co_return checked<void>();
}

// Between contexts of different threads what can be taken up elsewhere goes over in pieces. An association and TLS stay with their
// thread: then the context that gets them goes there.
awaitable<checked<void>> command_runner::carry(gateway::termination_id id, std::shared_ptr<context_record> from,
                                               std::shared_ptr<context_record> to) {
  if (from->home != to->home) {
    auto park = [id, source = from->context.get()]() -> awaitable<given<parked>> { co_return co_await source->park(id); };
    const given<parked> left = co_await on(*from->home, park);
    if (left) {
      auto resume = [target = to->context.get(), all = *left]() -> awaitable<void> {
        target->resume(all);
        co_return;
      };
      co_await on(*to->home, resume);
      co_return checked<void>();
    }
    if (left.error().reason != gateway::refusal_reason::no_resources) co_return error_of(left.error());
    const auto followed = co_await relocate(to, from->home);
    if (!followed) {
      auto why = error_of(left.error());
      why.text += " and what stands in context " + std::to_string(to->id.value) + " have threads of their own";
      co_return why;
    }
  }
  auto move = [id, source = from->context.get(), target = to->context.get()]() -> awaitable<bool> {
    co_return co_await source->move(id, *target);
  };
  const bool moved = co_await on(*from->home, move);
  if (!moved) co_return command_error(error_code::temporarily_busy, "its peer does not take what is on its way");
  co_return checked<void>();
}

awaitable<bool> command_runner::move_one(h248::action_state& at, const h248::command& c, std::shared_ptr<context_record> from,
                                         std::shared_ptr<termination_record> termination) {
  const auto to = record_;
  const h248::termination_id name{termination->name};
  if (to->terminations.size() >= state_.config.max_terminations_per_context) {
    at.fail(c, name, error_code::too_many_terminations, too_many(*to));
    co_return false;
  }
  if (!termination->serves() || !state_.in_service(termination->interface)) {
    at.fail(c, name, error_code::service_unavailable, termination->name + " is out of service");
    co_return false;
  }
  if (const auto carried = co_await carry(termination->id, from, to); !carried) {
    at.fail(c, name, carried.error().code, termination->name + ": " + carried.error().text);
    co_return false;
  }
  const auto rules = from->topology;
  const auto key = lower(termination->name);
  state_.strike(*from, key);
  state_.enrol(to, termination);
  if (!co_await configure(at, c, to, termination)) {  // as before: nothing has happened
    if (!co_await carry(termination->id, to, from)) {  // it stays where it came to, as it was
      if (from->terminations.empty()) co_await state_.drop(from);
      made_ = false;
      co_return false;
    }
    state_.strike(*to, key);
    state_.enrol(from, termination);
    from->topology = rules;
    co_await connect(from, rules);
    co_return false;
  }
  if (from->terminations.empty()) co_await state_.drop(from);
  made_ = false;
  co_return true;
}

}  // namespace agw::iq
