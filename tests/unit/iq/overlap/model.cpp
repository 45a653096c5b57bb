#include "model.hpp"

#include <algorithm>

namespace agw::iq::overlap {

namespace {

using h248::command_kind;

const h248::command* named(const std::vector<const h248::command*>& all, const std::string& name) {
  const auto found = std::ranges::find_if(all, [&](const h248::command* c) { return c->termination() == h248::termination_id{name}; });
  return found == all.end() ? nullptr : *found;
}

const char* interface_of(side of) { return of == side::core ? "core" : "access"; }

}  // namespace

unsigned code_of(const h248::command& answer) { return answer.error() ? static_cast<unsigned>(answer.error()->code) : 0; }

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
