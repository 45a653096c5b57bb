// Priority, emergency, IEPS and topology of a context, and their audit.
#include <algorithm>
#include <utility>

#include "context_action.hpp"

namespace agw::iq {

using h248::error_code;
using h248::topology_direction;

namespace {

/// Of one context. What exceeds it is refused with 510: each rule costs memory and a look at every change.
constexpr std::size_t most_rules = 8192;

std::string_view word(topology_direction d) {
  switch (d) {
    case topology_direction::bothway: return "Bothway";
    case topology_direction::isolate: return "Isolate";
    case topology_direction::oneway: return "Oneway";
    case topology_direction::oneway_external: return "OnewayExternal";
    case topology_direction::oneway_both: return "OnewayBoth";
  }
  return "";
}

/// Whether a command of the action adds, or moves here, what a name in its topology stands for.
bool brought(const h248::action& asked, h248::termination_id name) {
  return std::ranges::any_of(asked.commands, [&](const h248::command& c) {
    if (c.kind != h248::command_kind::add && c.kind != h248::command_kind::move) return false;
    return std::ranges::any_of(c.terminations, [&](h248::termination_id added) {
      if (name.has_choose()) return c.kind == h248::command_kind::add && added.has_choose();
      return name.has_all() || added == name;
    });
  });
}

/// Whether the pair has rules of the other sort: for all streams where `stream` is one, for one where it is all.
bool mixed(const std::map<topology_key, topology_rule>& rules, const topology_key& key) {
  auto first = key;
  first.stream = 0;
  const auto begin = rules.lower_bound(first);
  const auto of_pair = [&](auto at) { return at != rules.end() && at->first.low == key.low && at->first.high == key.high; };
  if (!of_pair(begin)) return false;
  if (key.stream != 0) return begin->first.stream == 0;
  return begin->first.stream != 0 || of_pair(std::next(begin));
}

}  // namespace

awaitable<void> context_action::set_properties(h248::action_state& at, const h248::context_properties& wanted) {
  if (wanted.priority && *wanted.priority > 15) {
    at.fail(error_code::unknown_value, "Priority=" + std::to_string(*wanted.priority));
    co_return;
  }
  if (!wanted.attributes.empty()) {
    at.fail(error_code::unknown_property, h248::to_text(wanted.attributes.front().name));
    co_return;
  }
  if (!wanted.contexts.empty()) {
    at.fail(error_code::not_implemented, "ContextList");
    co_return;
  }
  for (const auto& triple : wanted.topology) {
    if (triple.direction == topology_direction::oneway_external || triple.direction == topology_direction::oneway_both) {
      at.fail(error_code::topology_not_supported, word(triple.direction));
      co_return;
    }
    for (const auto name : {triple.a, triple.b}) {
      if (!names_of(name).empty() || brought(at.asked(), name)) continue;
      at.fail(error_code::termination_not_in_context, "Topology: " + std::string(name.name));
      co_return;
    }
    progress_.topology.push_back(triple);
  }
  auto& record = owner_.record();
  auto& before = progress_.before.emplace();
  before.priority = record.priority;
  before.emergency = record.emergency;
  before.ieps = record.ieps;
  before.topology = record.topology;
  if (wanted.priority) record.priority = wanted.priority;
  if (wanted.emergency) record.emergency = *wanted.emergency;
  if (wanted.ieps) record.ieps = *wanted.ieps;
  if (!progress_.topology.empty()) set_topology(at);
}

void context_action::take_back_properties() {
  auto& before = progress_.before;
  if (!before) return;
  auto& record = owner_.record();
  record.priority = before->priority;
  record.emergency = before->emergency;
  record.ieps = before->ieps;
  record.topology = std::move(before->topology);
  std::erase_if(record.topology, [&](const auto& entry) { return !owner_.find(entry.second.a) || !owner_.find(entry.second.b); });
  owner_.connect();
}

// CHOOSE is what the action's first Add with CHOOSE makes (H.248.1 7.1.18), ALL what stands in the context.
std::vector<std::string> context_action::names_of(h248::termination_id name) const {
  std::vector<std::string> out;
  if (name.has_choose()) {
    if (!progress_.chosen.empty()) out.push_back(progress_.chosen);
    return out;
  }
  if (!name.has_all()) {
    auto key = lower(name.name);
    if (owner_.find(key)) out.push_back(std::move(key));
    return out;
  }
  for (const auto& [key, t] : owner_.record().terminations) {
    if (name.matches(h248::termination_id{t->name})) out.push_back(key);
  }
  return out;
}

/// Adds what the action says to `rules`.
checked<void> context_action::plan_topology(std::map<topology_key, topology_rule>& rules) const {
  for (const auto& triple : progress_.topology) {
    const auto ones = names_of(triple.a), others = names_of(triple.b);
    for (const auto& a : ones) {
      for (const auto& b : others) {
        if (a == b) continue;
        topology_rule rule;
        rule.a = a;
        rule.b = b;
        rule.direction = triple.direction;
        rule.stream = triple.stream ? triple.stream->value : std::uint16_t{0};
        auto key = key_of(a, b, rule.stream);
        if (mixed(rules, key)) return command_error(error_code::unknown_action, "Topology: with and without Stream for " + a + "," + b);
        if (rule.direction == topology_direction::bothway) rules.erase(key);
        else rules.insert_or_assign(std::move(key), std::move(rule));
        if (rules.size() > most_rules) return command_error(error_code::insufficient_resources, "Topology: too many rules");
      }
    }
  }
  return {};
}

// Checked as a whole before any of it holds.
void context_action::set_topology(h248::action_state& at) {
  // Nothing is copied while a later command has yet to add what is named.
  for (const auto& triple : progress_.topology) {
    if (names_of(triple.a).empty() || names_of(triple.b).empty()) return;
  }
  auto rules = owner_.record().topology;
  const auto planned = plan_topology(rules);
  progress_.topology.clear();
  if (!planned) return at.fail(planned.error().code, planned.error().text);
  owner_.record().topology = std::move(rules);
  owner_.connect();
}

// Something that the topology names was not added in the end.
void context_action::topology_failed(h248::action_state& at) {
  const auto wanted = std::exchange(progress_.topology, {});
  const auto& done = at.reply().commands;
  if (!done.empty() && done.back().error() != nullptr) return;  // that is why
  for (const auto& triple : wanted) {
    for (const auto name : {triple.a, triple.b}) {
      if (names_of(name).empty()) return at.fail(error_code::termination_not_in_context, "Topology: " + std::string(name.name));
    }
  }
}

awaitable<void> context_action::audit(h248::action_state& at, const h248::context_audit& wanted) {
  answer_audit_of_context(at, wanted);
  co_return;
}

void context_action::answer_audit_of_context(h248::action_state& at, const h248::context_audit& wanted) {
  if (!wanted.attributes.empty()) return at.fail(error_code::unknown_property, h248::to_text(wanted.attributes.front()));
  const auto& selection = wanted.selection;
  if (!selection.contexts.empty()) return at.fail(error_code::not_implemented, "ContextList");
  const auto& record = owner_.record();
  std::vector<bool> met;
  if (selection.priority) met.push_back(record.priority.value_or(0) == *selection.priority);
  if (selection.emergency) met.push_back(record.emergency == *selection.emergency);
  if (selection.ieps) met.push_back(record.ieps == *selection.ieps);
  const auto yes = std::ranges::count(met, true);
  const bool any = wanted.logic == h248::select_logic::any_of;
  if (!met.empty() && (any ? yes == 0 : yes != static_cast<std::ptrdiff_t>(met.size()))) return;
  at.answer_under(record.id);
  auto& out = at.properties();
  if (wanted.priority || selection.priority) out.priority = record.priority.value_or(0);
  if (wanted.emergency || selection.emergency) out.emergency = record.emergency;
  if (wanted.ieps || selection.ieps) out.ieps = record.ieps;
  if (!wanted.topology) return;
  const auto name_of = [&](const std::string& key) {
    const auto found = record.terminations.find(key);
    return at.keep(found == record.terminations.end() ? key : found->second->name);
  };
  for (const auto& [key, rule] : record.topology) {
    auto& triple = out.topology.emplace_back();
    triple.a = {name_of(rule.a)};
    triple.b = {name_of(rule.b)};
    triple.direction = rule.direction;
    if (rule.stream != 0) triple.stream = h248::stream_id{rule.stream};
  }
}

}  // namespace agw::iq
