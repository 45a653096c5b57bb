// What commands and audits say of one termination, and of one context's properties.
#include <algorithm>

#include <agw/h248/ascii.hpp>

#include "model.hpp"

namespace agw::iq::overlap {

void model::configure(termination& t, const command& c) const {
  if (c.control) {
    auto& stream = t.streams[c.control->stream];
    stream.mode = c.control->mode;
    stream.reserve_value = c.control->reserve_value;
  }
  if (c.events) {
    t.events.clear();
    t.fragile = t.vague_events = false;
    if (c.events->id != 0) t.events.insert(c.events->id);
    for (const auto& e : c.events->wanted) {
      if (e.embedded != 0) t.events.insert(e.embedded);
      t.fragile = t.fragile || !e.keep_active;
    }
  }
  if (t.fragile || t.vague_events) {
    for (auto& p : t.signals) p.certain = false;
  }
  if (!c.signals) return;
  std::vector<playing> now;
  const auto add = [&](const signal& s, std::optional<std::uint16_t> list, bool certain) {
    playing p;
    p.name = s.name;
    p.list = list;
    p.certain = certain && !t.fragile && !t.vague_events;
    if (s.type == h248::signal_type::time_out) {
      p.ends_from = moment_.from + std::chrono::milliseconds(10) * s.duration;
      p.ends_by = moment_.by + std::chrono::milliseconds(10) * s.duration;
    }
    now.push_back(p);
  };
  for (const auto& s : c.signals->single) {
    if (s.keep_active) {  // what plays goes on, and what does not is not begun
      const auto before = std::ranges::find_if(t.signals, [&](const playing& p) { return !p.list && p.name == s.name; });
      if (before != t.signals.end()) now.push_back(*before);
    } else if (s.type != h248::signal_type::brief) {
      add(s, std::nullopt, true);
    }
  }
  for (const auto& list : c.signals->lists) {
    // A list that plays goes on. Whether it has ended is not known to the second, so that both are possible.
    for (const auto& p : t.signals) {
      if (p.list == list.id) now.push_back(p);
    }
    bool first = true;
    for (const auto& s : list.signals) {
      if (s.type != h248::signal_type::brief) {
        add(s, list.id, false);
        if (!first) now.back().ends_by = no_deadline;  // it begins when the end of the one before it is noticed
      }
      first = false;
    }
  }
  t.signals = std::move(now);
  // A list that plays may be one that is not known.
  t.vague_signals = t.vague_signals && !c.signals->lists.empty();
}

bool model::check_audit(const h248::command& answer, const termination& t, const command& c) {
  if (const auto code = code_of(answer)) return no(t.name + ": error " + std::to_string(code) + " for an audit");
  const auto kind = *c.audit;
  if (const auto* media = answer.find<h248::media_descriptor>()) {
    if (media->state && media->state->service) {
      if ((*media->state->service == h248::service_state::in_service) != t.in_service) return no(t.name + ": its service state");
    } else if (kind == audit_kind::all || kind == audit_kind::modes) {
      return no(t.name + ": no service state");
    }
    for (const auto& stream : media->streams) {
      const auto known = t.streams.find(stream.id.value);
      if (known == t.streams.end()) return no(t.name + ": stream " + std::to_string(stream.id.value) + " is not there");
      const auto& control = stream.parameters.control;
      if (!control) continue;
      if (control->mode && *control->mode != known->second.mode) return no(t.name + ": the mode of stream " + std::to_string(stream.id.value));
      if (control->reserve_value && *control->reserve_value != known->second.reserve_value) return no(t.name + ": ReservedValue");
    }
    if (kind == audit_kind::all && media->streams.size() != t.streams.size()) return no(t.name + ": the number of streams");
  } else if (kind == audit_kind::all || kind == audit_kind::modes) {
    return no(t.name + ": no Media");
  }
  if (kind != audit_kind::all) return true;
  const auto* events = answer.find<h248::events_descriptor>();
  if (!events) return no(t.name + ": no Events");
  const auto id = events->id ? events->id->value : 0u;
  if (!t.vague_events && (t.events.empty() ? id != 0 : !t.events.contains(id))) return no(t.name + ": Events=" + std::to_string(id));
  const auto* said = answer.find<h248::signals_descriptor>();
  if (!said) return no(t.name + ": no Signals");
  std::vector<std::pair<std::optional<std::uint16_t>, std::string>> heard;
  for (const auto& entry : said->entries) {
    if (const auto* one = std::get_if<h248::signal_request>(&entry)) heard.emplace_back(std::nullopt, h248::to_text(one->name));
    if (const auto* list = std::get_if<h248::signal_list>(&entry)) {
      for (const auto& one : list->signals) heard.emplace_back(list->id, h248::to_text(one.name));
    }
  }
  for (const auto& [list, name] : heard) {
    const bool possible = std::ranges::any_of(t.signals, [&, l = list, n = std::string_view(name)](const playing& p) {
      return p.list == l && h248::iequals(p.name, n) && moment_.from < p.ends_by;
    });
    if (!possible && !t.vague_signals) return no(t.name + ": signal " + name + " is not active");
  }
  for (const auto& p : t.signals) {
    if (!p.certain || moment_.by >= p.ends_from) continue;
    const bool there = std::ranges::any_of(heard, [&](const auto& h) { return h.first == p.list && h248::iequals(h.second, p.name); });
    if (!there) return no(t.name + ": signal " + p.name + " is active");
  }
  return true;
}

bool model::check_properties(const context& c, const h248::context_properties& said) {
  if (said.priority.value_or(0) != c.priority) return no("Priority=" + std::to_string(c.priority));
  if (said.topology.size() != c.topology.size()) return no(std::to_string(c.topology.size()) + " topology triples");
  for (const auto& triple : said.topology) {
    topology_rule rule;
    rule.a = key_of(triple.a.name);
    rule.b = key_of(triple.b.name);
    rule.direction = triple.direction;
    rule.stream = triple.stream ? triple.stream->value : std::uint16_t{0};
    if (std::ranges::find(c.topology, rule) == c.topology.end()) return no("topology " + rule.a + "," + rule.b);
  }
  return true;
}

bool model::set_topology(context& c, const action& asked, std::set<unsigned>& errors) const {
  auto rules = c.topology;
  for (const auto& triple : asked.topology) {
    const auto names = [&](const std::string& name) {
      command pattern;
      pattern.termination = name;
      return meant(c, pattern);
    };
    const auto ones = names(triple.a), others = names(triple.b);
    if (ones.empty() || others.empty()) {
      errors = {435};
      return false;
    }
    for (const auto& a : ones) {
      for (const auto& b : others) {
        if (a == b) continue;
        const auto pair = [&](const topology_rule& r) { return (r.a == a && r.b == b) || (r.a == b && r.b == a); };
        if (std::ranges::any_of(rules, [&](const topology_rule& r) { return pair(r) && (r.stream == 0) != (triple.stream == 0); })) {
          errors.insert(421);
          continue;
        }
        std::erase_if(rules, [&](const topology_rule& r) { return pair(r) && r.stream == triple.stream; });
        topology_rule rule;
        rule.a = a;
        rule.b = b;
        rule.direction = triple.direction;
        rule.stream = triple.stream;
        if (rule.direction != h248::topology_direction::bothway) rules.push_back(std::move(rule));
      }
    }
  }
  if (!errors.empty()) return false;
  c.topology = std::move(rules);
  return true;
}

}  // namespace agw::iq::overlap
