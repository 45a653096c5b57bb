#include "model.hpp"

#include <algorithm>

#include <agw/h248/ascii.hpp>

namespace agw::iq::overlap {

namespace {

using h248::command_kind;

unsigned code_of(const h248::command& answer) { return answer.error() ? static_cast<unsigned>(answer.error()->code) : 0; }

/// The lower-case names of the terminations that a command means in a context.
std::vector<std::string> meant(const context& in, const command& c) {
  const h248::termination_id pattern{c.termination};
  std::vector<std::string> out;
  for (const auto& [key, t] : in.terminations) {
    const h248::termination_id name{t.name};
    if (pattern.has_all() ? pattern.matches(name) : pattern == name) out.push_back(key);
  }
  return out;
}

void forget(context& in, const std::string& key) {
  in.terminations.erase(key);
  std::erase_if(in.topology, [&](const topology_rule& r) { return key_of(r.a) == key || key_of(r.b) == key; });
}

void drop_if_empty(state& s, std::uint32_t id) {
  const auto found = s.contexts.find(id);
  if (found != s.contexts.end() && found->second->terminations.empty()) s.contexts.erase(found);
}

const h248::command* named(const std::vector<const h248::command*>& all, const std::string& name) {
  const auto found = std::ranges::find_if(all, [&](const h248::command* c) { return c->termination() == h248::termination_id{name}; });
  return found == all.end() ? nullptr : *found;
}

const char* interface_of(side of) { return of == side::core ? "core" : "access"; }

}  // namespace

std::string key_of(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
  return out;
}

std::size_t state::terminations() const {
  std::size_t out = 0;
  for (const auto& [id, c] : contexts) out += c->terminations.size();
  return out;
}

std::map<std::uint32_t, shared_context>::const_iterator state::home_of(const std::string& name) const {
  return std::ranges::find_if(contexts, [key = key_of(name)](const auto& entry) { return entry.second->terminations.contains(key); });
}

const std::string& shared_context::text() const {
  auto& out = of_->text;
  if (!out.empty()) return out;
  const auto& c = of_->value;
  out = " pr" + std::to_string(c.priority) + "[";
  for (const auto& [key, t] : c.terminations) {
    out += " " + t.name + (t.in_service ? "" : " out");
    for (const auto& [n, st] : t.streams) out += " " + std::to_string(n) + ":" + std::to_string(static_cast<int>(st.mode)) + (st.reserve_value ? "r" : "");
    for (const auto e : t.events) out += " e" + std::to_string(e);
    if (t.fragile || t.vague_events) out += " fragile";
    if (t.vague_signals) out += " vague";
    for (const auto& p : t.signals) {
      out += " " + p.name + (p.list ? "/" + std::to_string(*p.list) : "") + (p.certain ? "!" : "?");
      if (p.ends_by != no_deadline) out += std::to_string(p.ends_by.time_since_epoch().count() / 1'000'000);
    }
    out += ";";
  }
  std::vector<std::string> rules;
  for (const auto& r : c.topology) rules.push_back(r.a + ">" + r.b + ":" + std::to_string(static_cast<int>(r.direction)) + "/" + std::to_string(r.stream));
  std::ranges::sort(rules);
  for (const auto& r : rules) out += " " + r;
  out += "] ";
  return out;
}

std::string to_text(const state& s) {
  std::string out;
  for (const auto& [id, c] : s.contexts) out += "C" + std::to_string(id) + c.text();
  for (const auto& i : s.interfaces_out) out += "-" + i;
  if (s.draining) out += " draining";
  if (s.out_of_service) out += " out";
  return out;
}

answers::answers(const h248::action& said) {
  for (const auto& c : said.commands) all_.push_back(&c);
}

std::vector<const h248::command*> answers::take(std::size_t n) {
  n = std::min(n, all_.size() - at_);
  const std::vector<const h248::command*> out(all_.begin() + static_cast<std::ptrdiff_t>(at_), all_.begin() + static_cast<std::ptrdiff_t>(at_ + n));
  at_ += n;
  return out;
}

bool model::no(std::string why) {
  why_ = std::move(why);
  return false;
}

bool model::refused(const h248::command* answer, const std::string& name, const std::set<unsigned>& codes) {
  std::string wanted;
  for (const auto code : codes) wanted += " " + std::to_string(code);
  if (!answer) return no(name + ": an error is missing:" + wanted);
  if (!codes.contains(code_of(*answer))) return no(name + ": error " + std::to_string(code_of(*answer)) + " instead of" + wanted);
  return true;
}

// Nothing of what the command means stands in its context.
bool model::none_here(const state& s, const command& c, answers& said, bool& failed) {
  failed = true;
  std::set<unsigned> codes;
  if (c.has_pattern()) codes = {431};
  else if (!moment_.alone) codes = {430, 435};
  else codes = {s.home_of(c.termination) == s.contexts.end() ? 430u : 435u};
  const auto all = said.take(1);
  return refused(all.empty() ? nullptr : all.front(), c.termination, codes);
}

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

bool model::carry_out(state& s, const action& asked, const h248::action& said, bool& stopped) {
  stopped = false;
  answers commands(said);
  const auto error = said.error ? static_cast<unsigned>(said.error->code) : 0u;
  const auto only_error = [&](unsigned code) {
    stopped = true;
    if (error != code) return no("error " + std::to_string(error) + " of the action instead of " + std::to_string(code));
    return commands.empty() || no("answers beside an error of the action");
  };
  std::uint32_t id = 0;
  if (asked.context.is_specific()) {
    if (said.context != asked.context) return no("an answer for another context");
    id = asked.context.value;
    if (!s.contexts.contains(id)) return only_error(411);
  } else if (asked.context.is_choose()) {
    // An action that began before the gateway went out of service finds it so with its first Add.
    if (s.draining && !(s.out_of_service && error == 0)) return only_error(503);
    if (said.context.is_specific()) {
      id = said.context.value;
      if (s.contexts.contains(id)) return no("context " + std::to_string(id) + " is taken");
    } else if (said.context.is_choose()) {
      id = 0xFFFFFFF0u;  // nothing will stand in it
    } else {
      return no("no context for CHOOSE");
    }
    s.contexts.try_emplace(id);
  }
  if (!asked.topology.empty()) {
    std::set<unsigned> errors;
    if (!set_topology(s.contexts.at(id).edit(), asked, errors)) {
      stopped = true;
      if (!errors.contains(error)) return no("a topology that cannot be was accepted, or error " + std::to_string(error));
      return true;
    }
  }
  if (asked.priority) s.contexts.at(id).edit().priority = *asked.priority;
  for (const auto& c : asked.commands) {
    bool failed = false;
    if (!run(s, id, c, commands, failed)) return false;
    if (failed && !c.optional) {
      stopped = true;
      break;
    }
  }
  if (!commands.empty()) return no("more answers than commands");
  if (error != 0) return no("error " + std::to_string(error) + " of an action that can be carried out");
  if (asked.audit && !stopped && !check_properties(*s.contexts.at(id), said.properties)) return false;
  if (id != 0) {
    drop_if_empty(s, id);
    if (id == 0xFFFFFFF0u && s.contexts.contains(id)) return no("the new context has no number");
  }
  return true;
}

bool model::run(state& s, std::uint32_t& id, const command& c, answers& said, bool& failed) {
  if (c.loops_back()) {
    failed = true;
    const auto all = said.take(1);
    return refused(all.empty() ? nullptr : all.front(), c.termination, {517});
  }
  if (id == 0) return at_root(s, c, said, failed);
  switch (c.kind) {
    case command_kind::add: return add(s, id, c, said, failed);
    case command_kind::modify: return modify(s, id, c, said, failed);
    case command_kind::subtract: return subtract(s, id, c, said, failed);
    case command_kind::audit_value:
    case command_kind::audit_capability: return audit(s, id, c, said, failed);
    case command_kind::service_change: return change(s, id, c, said, failed);
    case command_kind::move: return move(s, id, c, said, failed);
    case command_kind::notify: break;
  }
  return no("a command that is not modelled");
}

bool model::at_root(state& s, const command& c, answers& said, bool& failed) {
  failed = false;
  const auto all = said.take(1);
  if (all.empty()) return no("no answer for " + c.termination);
  if (code_of(*all.front()) != 0) return no(c.termination + ": error " + std::to_string(code_of(*all.front())));
  if (c.kind != command_kind::audit_value) return true;
  const auto* media = all.front()->find<h248::media_descriptor>();
  if (!media || !media->state || !media->state->service) return no("ROOT: no service state");
  const bool serves = *media->state->service == h248::service_state::in_service;
  return serves == !s.draining || no("ROOT: its service state");
}

bool model::add(state& s, std::uint32_t id, const command& c, answers& said, bool& failed) {
  const auto& in = s.contexts.at(id);
  const auto all = said.take(1);
  if (all.empty()) return no("no answer for Add");
  const auto& answer = *all.front();
  std::set<unsigned> codes;
  if (in->terminations.size() >= limits_.terminations_per_context) codes.insert(434);
  if (s.out_of_service || s.interfaces_out.contains(interface_of(c.of))) codes.insert(503);
  if (c.media == media_kind::unsupported) codes.insert(515);
  const bool choose = h248::termination_id{c.termination}.has_choose();
  if (!choose && s.home_of(c.termination) != s.contexts.end()) codes.insert(433);
  failed = !codes.empty();
  if (failed) return refused(&answer, c.termination, codes);
  if (code_of(answer) == 433 && !moment_.alone && moment_.given.contains(key_of(c.termination))) {
    failed = true;
    return true;
  }
  if (code_of(answer) != 0) return no(c.termination + ": error " + std::to_string(code_of(answer)) + " for an Add that can be carried out");
  const std::string name(answer.termination().name);
  const h248::termination_id asked{c.termination};
  const auto stem = c.termination.substr(0, c.termination.size() - 1);
  if (choose ? !name.starts_with(stem) || name.find('$') != std::string::npos : !(answer.termination() == asked)) return no(name + " for " + c.termination);
  if (s.home_of(name) != s.contexts.end()) return no(name + " is there already");
  termination t;
  t.name = name;
  t.of = c.of;
  t.streams[2];
  if (c.of == side::access) t.streams[1];
  configure(t, c);
  s.contexts.at(id).edit().terminations.emplace(key_of(name), std::move(t));
  return true;
}

bool model::modify(state& s, std::uint32_t id, const command& c, answers& said, bool& failed) {
  const auto keys = meant(*s.contexts.at(id), c);
  if (keys.empty()) return none_here(s, c, said, failed);
  auto& in = s.contexts.at(id).edit();
  const auto all = said.take(c.wildcard_response ? 1 : keys.size());
  if (all.empty()) return no("no answer for Modify");
  if (c.wildcard_response && (!all.front()->wildcard_response || code_of(*all.front()) != 0)) return no("W-Modify failed");
  for (const auto& key : keys) {
    auto& t = in.terminations.at(key);
    const auto* answer = c.wildcard_response ? nullptr : named(all, t.name);
    if (answer && c.port && code_of(*answer) == 473) {  // both ends would connect, or none
      failed = true;
      continue;
    }
    configure(t, c);
    if (c.wildcard_response) continue;
    if (!answer) return no(t.name + ": not modified");
    if (code_of(*answer) != 0) return no(t.name + ": error " + std::to_string(code_of(*answer)) + " for a Modify that can be carried out");
    if (c.audit && !check_audit(*answer, t, c)) return false;
  }
  return true;
}

bool model::subtract(state& s, std::uint32_t id, const command& c, answers& said, bool& failed) {
  const auto keys = meant(*s.contexts.at(id), c);
  if (keys.empty()) return none_here(s, c, said, failed);
  auto& in = s.contexts.at(id).edit();
  const auto all = said.take(c.wildcard_response ? 1 : keys.size());
  if (all.empty()) return no("no answer for Subtract");
  if (c.wildcard_response && (!all.front()->wildcard_response || code_of(*all.front()) != 0)) return no("W-Subtract failed");
  for (const auto& key : keys) {
    const auto& t = in.terminations.at(key);
    if (!c.wildcard_response) {
      const auto* answer = named(all, t.name);
      if (!answer) return no(t.name + ": not subtracted");
      if (code_of(*answer) != 0) return no(t.name + ": error " + std::to_string(code_of(*answer)) + " for a Subtract");
      if (!c.audit && !answer->find<h248::media_descriptor>()) return no(t.name + ": no statistics");
      if (c.audit == audit_kind::nothing && !answer->descriptors.empty()) return no(t.name + ": statistics that nobody asked for");
    }
    forget(in, key);
  }
  return true;
}

bool model::audit(state& s, std::uint32_t id, const command& c, answers& said, bool& failed) {
  const auto& in = *s.contexts.at(id);
  const auto keys = meant(in, c);
  if (keys.empty()) return none_here(s, c, said, failed);
  const auto all = said.take(c.wildcard_response ? 1 : keys.size());
  if (all.empty()) return no("no answer for an audit");
  if (c.wildcard_response) return code_of(*all.front()) == 0 || no("W-audit failed");
  for (const auto& key : keys) {
    const auto& t = in.terminations.at(key);
    const auto* answer = named(all, t.name);
    if (!answer) return no(t.name + ": not audited");
    if (c.kind == command_kind::audit_capability) {
      if (code_of(*answer) != 0) return no(t.name + ": no capabilities");
    } else if (!check_audit(*answer, t, c)) {
      return false;
    }
  }
  return true;
}

bool model::change(state& s, std::uint32_t id, const command& c, answers& said, bool& failed) {
  if (meant(*s.contexts.at(id), c).empty()) {
    failed = true;
    const auto all = said.take(1);
    const std::set<unsigned> codes = c.has_pattern() ? std::set<unsigned>{431} : std::set<unsigned>{430, 435};
    return refused(all.empty() ? nullptr : all.front(), c.termination, codes);
  }
  const auto all = said.take(1);
  if (all.empty() || code_of(*all.front()) != 0) return no(c.termination + ": ServiceChange failed");
  bool matched = false;
  change_service(s, id, c, matched);
  return true;
}

void model::change_gateway(state& s, const command& c) const {
  const bool forced = c.method == h248::change_method::forced, restart = c.method == h248::change_method::restart;
  if (c.termination == "ROOT") {
    if (!restart) s.draining = true;
    if (restart) s.draining = false;
    if (forced || restart) s.out_of_service = forced;
    return;
  }
  for (const auto of : {side::access, side::core}) {
    const auto any = std::string("ip/1/") + interface_of(of) + "/1";
    if (!h248::termination_id{c.termination}.matches({any})) continue;
    if (restart) s.interfaces_out.erase(interface_of(of));
    else s.interfaces_out.insert(interface_of(of));
  }
}

void model::change_service(state& s, std::uint32_t id, const command& c, bool& matched) const {
  const auto found = s.contexts.find(id);
  if (found == s.contexts.end() || c.method == h248::change_method::graceful) return;
  command all = c;
  if (c.termination == "ROOT") all.termination = "*";
  for (const auto& key : meant(*found->second, all)) {
    matched = true;
    found->second.edit().terminations.at(key).in_service = c.method == h248::change_method::restart;
  }
}

std::set<unsigned> model::objections(const state& s, std::uint32_t to, const termination& t, std::set<unsigned>& perhaps) const {
  std::set<unsigned> codes;
  const auto& target = *s.contexts.at(to);
  if (target.terminations.size() >= limits_.terminations_per_context) codes.insert(434);
  if (!t.in_service || s.interfaces_out.contains(interface_of(t.of))) codes.insert(503);
  const bool meets = std::ranges::any_of(target.terminations, [](const auto& entry) { return entry.second.of == side::access; });
  // Associations stay with their threads, so that two of them may not come together. Data under way may keep a termination too.
  if (t.of == side::access && meets) perhaps.insert(510);
  perhaps.insert(511);
  return codes;
}

void model::relocate(state& s, std::uint32_t from, std::uint32_t to, const std::string& key, const command& c) const {
  auto& source = s.contexts.at(from).edit();
  auto t = source.terminations.at(key);
  forget(source, key);
  configure(t, c);
  s.contexts.at(to).edit().terminations.emplace(key, std::move(t));
  drop_if_empty(s, from);
}

bool model::move(state& s, std::uint32_t id, const command& c, answers& said, bool& failed) {
  const auto all = said.take(1);
  if (all.empty()) return no("no answer for Move");
  const auto& answer = *all.front();
  const auto home = s.home_of(c.termination);
  failed = true;
  if (home == s.contexts.end()) return refused(&answer, c.termination, {430});
  if (home->first == id) return refused(&answer, c.termination, {433});
  const auto key = key_of(c.termination);
  const auto& t = home->second->terminations.at(key);
  std::set<unsigned> perhaps;
  const auto codes = objections(s, id, t, perhaps);
  if (!codes.empty()) {
    auto allowed = codes;
    allowed.insert(perhaps.begin(), perhaps.end());
    return refused(&answer, t.name, allowed);
  }
  if (const auto code = code_of(answer)) return perhaps.contains(code) || no(t.name + ": error " + std::to_string(code) + " for a Move that can be carried out");
  failed = false;
  relocate(s, home->first, id, key, c);
  return !c.audit || check_audit(answer, s.contexts.at(id)->terminations.at(key), c);
}

bool model::move_from(state& s, std::uint32_t from, std::uint32_t to, const command& c, const h248::action& said, bool& matched, bool& failed) {
  const auto source = s.contexts.find(from);
  if (source == s.contexts.end() || from == to) return true;
  const auto all = answers(said).take(said.commands.size());
  const bool error = std::ranges::any_of(all, [](const h248::command* a) { return code_of(*a) != 0; });
  for (const auto& key : meant(*source->second, c)) {
    matched = true;
    const auto t = s.contexts.at(from)->terminations.at(key);
    const auto* answer = named(all, t.name);
    if (!answer) {
      if (error) continue;  // it was not reached
      return no(t.name + ": not moved");
    }
    s.contexts.try_emplace(to);
    std::set<unsigned> perhaps;
    const auto codes = objections(s, to, t, perhaps);
    if (const auto code = code_of(*answer)) {
      failed = true;
      if (!codes.contains(code) && !perhaps.contains(code)) return no(t.name + ": error " + std::to_string(code) + " for a Move that can be carried out");
      drop_if_empty(s, to);
      continue;
    }
    if (!codes.empty()) return refused(answer, t.name, codes);
    relocate(s, from, to, key, c);
  }
  return true;
}

bool model::carry_out_in(state& s, std::uint32_t id, const action& asked, const h248::action* said, bool united, bool& matched) {
  const auto found = s.contexts.find(id);
  if (asked.commands.empty()) {
    if (found == s.contexts.end()) return !said || no("a context that is not there was audited");
    if (!said) return no("context " + std::to_string(id) + " was not audited");
    matched = true;
    return check_properties(*found->second, said->properties);
  }
  const auto& c = asked.commands.front();
  const auto keys = found == s.contexts.end() ? std::vector<std::string>() : meant(*found->second, c);
  if (keys.empty()) return !said || no("answers of a context that has nothing of what is meant");
  matched = true;
  bool failed = false;
  if (united) {  // one answer for all contexts
    for (const auto& key : keys) {
      if (c.kind == command_kind::subtract) forget(found->second.edit(), key);
      if (c.kind == command_kind::modify) configure(found->second.edit().terminations.at(key), c);
    }
  } else {
    if (!said) return no("context " + std::to_string(id) + " did not answer");
    answers commands(*said);
    if (!run(s, id, c, commands, failed)) return false;
    if (!commands.empty()) return no("more answers of context " + std::to_string(id) + " than terminations");
  }
  drop_if_empty(s, id);
  return true;
}

}  // namespace agw::iq::overlap
