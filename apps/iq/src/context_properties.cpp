// Priority, emergency, IEPS and topology of a context, and their audit.
#include <algorithm>

#include "commands.hpp"

namespace agw::iq {

using h248::error_code;
using h248::topology_direction;

namespace {

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

/// Whether a command of the action adds, or moves here, what a name in its topology means.
bool brought(const h248::action& asked, h248::termination_id name) {
  return std::ranges::any_of(asked.commands, [&](const h248::command& c) {
    if (c.kind != h248::command_kind::add && c.kind != h248::command_kind::move) return false;
    return std::ranges::any_of(c.terminations, [&](h248::termination_id added) {
      if (name.has_choose()) return c.kind == h248::command_kind::add && added.has_choose();
      return name.has_all() || added == name;
    });
  });
}

gateway::topology topology_of(topology_direction d) {
  if (d == topology_direction::isolate) return gateway::topology::isolate;
  return d == topology_direction::oneway ? gateway::topology::oneway : gateway::topology::bothway;
}

}  // namespace

std::vector<gate_rule> gate_rules(const context_record& record, const std::vector<topology_rule>& rules) {
  std::vector<gate_rule> out;
  for (const auto& rule : rules) {
    const auto a = record.terminations.find(rule.a), b = record.terminations.find(rule.b);
    if (a == record.terminations.end() || b == record.terminations.end()) continue;
    auto& one = out.emplace_back();
    one.from = a->second->id;
    one.to = b->second->id;
    one.how = topology_of(rule.direction);
    if (rule.stream != 0) one.stream = gateway::stream_number{rule.stream};
  }
  return out;
}

void tell(gateway::context& context, const std::vector<gate_rule>& rules) {
  for (const auto& one : rules) context.connect(one.from, one.to, one.how, one.stream);
}

awaitable<void> command_runner::connect(std::shared_ptr<context_record> record, std::vector<topology_rule> rules) {
  auto say = [context = record->context.get(), all = gate_rules(*record, rules)]() -> awaitable<void> {
    tell(*context, all);
    co_return;
  };
  co_await on(*record->home, say);
}

awaitable<void> command_runner::set_properties(h248::action_state& at, const h248::context_properties& wanted) {
  if (!record_) {
    at.fail(error_code::unknown_action, "context properties need a context");
    co_return;
  }
  if (wanted.priority && *wanted.priority > 15) {
    at.fail(error_code::unknown_value, "Priority=" + std::to_string(*wanted.priority));
    co_return;
  }
  if (!wanted.attributes.empty()) {
    const auto name = wanted.attributes.front().name;
    at.fail(error_code::unknown_property, std::string(name.package) + "/" + std::string(name.item));
    co_return;
  }
  for (const auto& triple : wanted.topology) {
    if (triple.direction == topology_direction::oneway_external || triple.direction == topology_direction::oneway_both) {
      at.fail(error_code::topology_not_supported, word(triple.direction));
      co_return;
    }
    for (const auto name : {triple.a, triple.b}) {
      if (!meant(name).empty() || brought(at.asked(), name)) continue;
      at.fail(error_code::termination_not_in_context, "Topology: " + std::string(name.name));
      co_return;
    }
    topology_.push_back(triple);
  }
  if (wanted.priority) record_->priority = wanted.priority;
  if (wanted.emergency) record_->emergency = *wanted.emergency;
  if (wanted.ieps) record_->ieps = *wanted.ieps;
  if (!topology_.empty()) co_await set_topology(at);
}

// CHOOSE is what the action's first Add with CHOOSE makes (H.248.1 7.1.18), ALL what stands in the context.
std::vector<std::string> command_runner::meant(h248::termination_id name) const {
  std::vector<std::string> out;
  if (name.has_choose()) {
    if (!chosen_.empty()) out.push_back(chosen_);
    return out;
  }
  for (const auto& [key, termination] : record_->terminations) {
    const h248::termination_id known{termination->name};
    if (name.has_all() ? name.matches(known) : name == known) out.push_back(key);
  }
  return out;
}

awaitable<void> command_runner::set_topology(h248::action_state& at) {
  // Checked as a whole before any of it holds.
  auto rules = record_->topology;
  std::vector<topology_rule> changes;
  for (const auto& triple : topology_) {
    const auto ones = meant(triple.a), others = meant(triple.b);
    if (ones.empty() || others.empty()) co_return;  // a later command of the action adds it
    for (const auto& a : ones) {
      for (const auto& b : others) {
        if (a == b) continue;
        topology_rule rule;
        rule.a = a;
        rule.b = b;
        rule.direction = triple.direction;
        rule.stream = triple.stream ? triple.stream->value : std::uint16_t{0};
        const auto pair = [&](const topology_rule& r) { return (r.a == a && r.b == b) || (r.a == b && r.b == a); };
        const bool mixed = std::ranges::any_of(rules, [&](const topology_rule& r) { return pair(r) && (r.stream == 0) != (rule.stream == 0); });
        if (mixed) {
          topology_.clear();
          at.fail(error_code::unknown_action, "Topology: with and without Stream for " + a + "," + b);
          co_return;
        }
        std::erase_if(rules, [&](const topology_rule& r) { return pair(r) && r.stream == rule.stream; });
        changes.push_back(rule);
        if (rule.direction != topology_direction::bothway) rules.push_back(std::move(rule));
      }
    }
  }
  topology_.clear();
  record_->topology = std::move(rules);
  co_await connect(record_, std::move(changes));
}

void command_runner::topology_failed(h248::action_state& at) {
  const auto wanted = std::exchange(topology_, {});
  const auto& done = at.reply().commands;
  if (!done.empty() && done.back().error() != nullptr) return;  // that is why
  for (const auto& triple : wanted) {
    for (const auto name : {triple.a, triple.b}) {
      if (meant(name).empty()) return at.fail(error_code::termination_not_in_context, "Topology: " + std::string(name.name));
    }
  }
}

awaitable<void> command_runner::audit(h248::action_state& at, const h248::context_audit& wanted) {
  if (!wanted.attributes.empty()) {
    const auto name = wanted.attributes.front();
    at.fail(error_code::unknown_property, std::string(name.package) + "/" + std::string(name.item));
    co_return;
  }
  const auto& selection = wanted.selection;
  const bool any = wanted.logic == h248::select_logic::any_of;
  const auto selected = [&](const context_record& record) {
    std::vector<bool> met;
    if (selection.priority) met.push_back(record.priority.value_or(0) == *selection.priority);
    if (selection.emergency) met.push_back(record.emergency == *selection.emergency);
    if (selection.ieps) met.push_back(record.ieps == *selection.ieps);
    if (met.empty()) return true;
    const auto yes = static_cast<std::size_t>(std::count(met.begin(), met.end(), true));
    return any ? yes > 0 : yes == met.size();
  };
  const auto answer = [&](const context_record& record) {
    if (!selected(record)) return;
    at.answer_under(record.id);
    auto& out = at.properties();
    if (wanted.priority || selection.priority) out.priority = record.priority.value_or(0);
    if (wanted.emergency || selection.emergency) out.emergency = record.emergency;
    if (wanted.ieps || selection.ieps) out.ieps = record.ieps;
    if (!wanted.topology) return;
    for (const auto& rule : record.topology) {
      h248::topology_triple triple;
      triple.a = {record.terminations.contains(rule.a) ? at.keep(record.terminations.at(rule.a)->name) : at.keep(rule.a)};
      triple.b = {record.terminations.contains(rule.b) ? at.keep(record.terminations.at(rule.b)->name) : at.keep(rule.b)};
      triple.direction = rule.direction;
      if (rule.stream != 0) triple.stream = h248::stream_id{rule.stream};
      out.topology.push_back(triple);
    }
  };
  if (at.asked().context.is_null()) {
    at.fail(error_code::unknown_action, "ContextAudit of the NULL context");
    co_return;
  }
  if (record_) {
    answer(*record_);
  } else if (at.asked().context.is_all()) {
    for (const auto& [id, record] : state_.contexts) answer(*record);
  }
}

}  // namespace agw::iq
