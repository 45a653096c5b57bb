#include "generator.hpp"

namespace agw::iq::overlap {

namespace {

using h248::command_kind;
using h248::context_id;

action in(context_id id, command c) {
  action out;
  out.context = id;
  out.commands.push_back(std::move(c));
  return out;
}

command of(command_kind kind, std::string name) {
  command out;
  out.kind = kind;
  out.termination = std::move(name);
  return out;
}

}  // namespace

std::vector<transaction> generator::beginning() {
  std::vector<transaction> out;
  const auto contexts = 2 + choose_.below(3);
  for (std::size_t i = 0; i < contexts; ++i) {
    action a;
    a.context = context_id::choose();
    const auto terminations = 1 + choose_.below(3);
    for (std::size_t n = 0; n < terminations; ++n) {
      auto c = of(command_kind::add, "ip/1/core/$");
      if (choose_.one_in(3)) c.termination = "ip/1/access/$", c.of = side::access;
      if (choose_.one_in(3)) configure(c, c.of == side::access);
      a.commands.push_back(std::move(c));
    }
    out.push_back({std::move(a)});
  }
  return out;
}

std::vector<transaction> generator::round(const state& s) {
  changes_gateway_ = false;
  was_out_ = s.draining || s.out_of_service || !s.interfaces_out.empty();
  std::vector<transaction> out;
  const auto n = 2 + choose_.below(7);
  for (std::size_t i = 0; i < n; ++i) out.push_back(make(s));
  return out;
}

transaction generator::make(const state& s) {
  transaction out;
  // What is out of service is brought back soon: little can be done until then.
  if (was_out_ && !changes_gateway_ && choose_.below(4) != 3) {
    changes_gateway_ = true;
    auto c = of(command_kind::service_change, s.interfaces_out.empty() ? "ROOT" : "ip/1/*");
    c.method = h248::change_method::restart;
    out.push_back(in(context_id::null(), std::move(c)));
    return out;
  }
  const auto n = 1 + choose_.below(3);
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back(make_action(s, i + 1 == n));
    if (out.back().spreads()) break;
  }
  return out;
}

context_id generator::some_context(const state& s) {
  if (s.contexts.empty() || choose_.one_in(12)) return {static_cast<std::uint32_t>(1 + choose_.below(6))};
  auto at = s.contexts.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(choose_.below(s.contexts.size())));
  return {at->first};
}

std::string generator::some_name(const state& s, context_id in) {
  if (choose_.one_in(8)) in = some_context(s);
  const auto found = s.contexts.find(in.value);
  if (found == s.contexts.end() || found->second->terminations.empty() || choose_.one_in(20)) {
    return "ip/1/core/" + std::to_string(1 + choose_.below(12));
  }
  auto at = found->second->terminations.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(choose_.below(found->second->terminations.size())));
  return at->second.name;
}

std::string generator::some_pattern() {
  static const std::vector<std::string> all = {"*", "ip/1/core/*", "ip/1/*", "ip/1/access/*", "ip/*"};
  return choose_.of(all);
}

overlap::events generator::make_events() {
  static const std::vector<const char*> names = {"g/sc", "g/cause", "tcpbcc/BNCChange", "nt/netfail", "adid/ipstop{dt=5}"};
  overlap::events out;
  if (choose_.one_in(6)) return out;
  out.id = static_cast<std::uint32_t>(1 + choose_.below(50));
  const auto first = choose_.below(names.size());
  const auto n = 1 + choose_.below(2);
  for (std::size_t i = 0; i < n; ++i) {
    event e;
    e.text = names[(first + i) % names.size()];
    e.keep_active = !choose_.one_in(4);
    if (choose_.one_in(5)) e.embedded = 100 + out.id;
    out.wanted.push_back(e);
  }
  return out;
}

overlap::signals generator::make_signals() {
  overlap::signals out;
  const auto one = [&] {
    static const std::vector<std::string> names = {"tcpbcc/EstBNC", "sctpreset/reset", "sctpbcc/EstBNC", "ipnapt/latch"};
    signal s;
    s.name = choose_.of(names);
    s.type = static_cast<h248::signal_type>(choose_.below(3));
    s.duration = static_cast<unsigned>(1 + choose_.below(300));
    return s;
  };
  switch (choose_.below(4)) {
    case 0: break;  // ends all of them
    case 1: {
      out.single.push_back(one());
      out.single.back().keep_active = choose_.one_in(3);
      break;
    }
    default: {
      signal_list list;
      list.id = static_cast<std::uint16_t>(1 + choose_.below(3));
      list.signals.push_back(one());
      auto next = one();
      if (next.name != list.signals.front().name) list.signals.push_back(std::move(next));
      out.lists.push_back(std::move(list));
      if (choose_.one_in(2)) out.single.push_back(one());
    }
  }
  return out;
}

void generator::configure(command& c, bool access) {
  switch (choose_.below(5)) {
    case 0:
    case 1: {
      static const std::vector<h248::stream_mode> modes = {h248::stream_mode::send_receive, h248::stream_mode::inactive,
                                                           h248::stream_mode::send_only, h248::stream_mode::receive_only};
      auto& to = c.control.emplace();
      to.mode = choose_.one_in(12) ? h248::stream_mode::loopback : choose_.of(modes);
      to.reserve_value = choose_.one_in(4);
      if (access && choose_.one_in(2)) to.stream = 1;
      break;
    }
    case 2: c.events = make_events(); break;
    case 3: c.signals = make_signals(); break;
    default:
      c.events = make_events();
      c.signals = make_signals();
  }
}

command generator::make_add() {
  auto out = of(command_kind::add, "ip/1/core/$");
  if (choose_.one_in(3)) {
    out.termination = "ip/1/access/$";
    out.of = side::access;
  } else if (choose_.one_in(4)) {
    out.termination = "ip/1/core/" + std::to_string(70 + choose_.below(2));
  }
  if (out.of == side::core && choose_.one_in(4)) {
    out.media = media_kind::dialling;
    out.port = choose_.one_in(2) ? config_.refusing : config_.listening;
  } else if (choose_.one_in(8)) {
    out.media = media_kind::unsupported;
    out.of = side::core;
    if (out.termination == "ip/1/access/$") out.termination = "ip/1/core/$";
  }
  if (out.media != media_kind::unsupported && choose_.one_in(3)) configure(out, out.of == side::access);
  return out;
}

command generator::make_modify(const std::string& name) {
  auto out = of(command_kind::modify, name);
  const bool core = name.find("core/") != std::string::npos && !out.has_pattern();
  configure(out, name.find("access/") != std::string::npos);
  if (core && choose_.one_in(4)) {
    out.port = choose_.one_in(2) ? config_.refusing : config_.listening;
    if (out.control) out.control->stream = 2;
  }
  // An audit is answered with the signals from before the command.
  if (!out.signals && choose_.one_in(8)) out.audit = audit_kind::all;
  return out;
}

command generator::make_move(const state& s) {
  auto out = of(command_kind::move, some_name(s, some_context(s)));
  if (choose_.one_in(4)) configure(out, false);
  return out;
}

command generator::make_audit(const std::string& name) {
  static const std::vector<audit_kind> kinds = {audit_kind::all, audit_kind::modes, audit_kind::statistics, audit_kind::nothing};
  auto out = of(command_kind::audit_value, name);
  out.audit = choose_.of(kinds);
  if (choose_.one_in(8)) {
    out.kind = command_kind::audit_capability;
    out.audit = audit_kind::statistics;
  }
  return out;
}

action generator::make_topology(const state& s) {
  action out;
  out.context = some_context(s);
  const auto found = s.contexts.find(out.context.value);
  if (found == s.contexts.end() || found->second->terminations.size() < 2 || choose_.one_in(3)) {
    out.priority = static_cast<std::uint16_t>(choose_.below(16));
  } else {
    static const std::vector<h248::topology_direction> how = {h248::topology_direction::isolate, h248::topology_direction::oneway,
                                                              h248::topology_direction::bothway};
    const auto n = 1 + choose_.below(2);
    for (std::size_t i = 0; i < n; ++i) {
      topology_rule rule;
      rule.a = choose_.one_in(6) ? "*" : some_name(s, out.context);
      rule.b = some_name(s, out.context);
      if (h248::termination_id{rule.a} == h248::termination_id{rule.b}) rule.a = "*";
      rule.direction = choose_.of(how);
      rule.stream = choose_.one_in(3) ? std::uint16_t{2} : std::uint16_t{0};
      out.topology.push_back(std::move(rule));
    }
  }
  out.audit = choose_.one_in(3);
  return out;
}

action generator::make_service_change(const state& s) {
  static const std::vector<h248::change_method> methods = {h248::change_method::forced, h248::change_method::restart,
                                                           h248::change_method::graceful};
  const auto id = some_context(s);
  auto c = of(command_kind::service_change, some_name(s, id));
  c.method = choose_.of(methods);
  if (choose_.one_in(3)) c.termination = some_pattern();
  // Of what changes the gateway's own state, one in a round: afterwards that state is known.
  if (changes_gateway_ || !choose_.one_in(4)) return in(id, std::move(c));
  changes_gateway_ = true;
  static const std::vector<std::string> wide = {"ROOT", "ip/1/core/*", "ip/1/access/*", "ip/1/*"};
  c.termination = choose_.of(wide);
  return in(context_id::null(), std::move(c));
}

action generator::make_action(const state& s, bool last) {
  const auto id = some_context(s);
  switch (choose_.below(16)) {
    case 0:
    case 1: {  // a new context
      action out = in(context_id::choose(), make_add());
      if (choose_.one_in(2)) out.commands.push_back(make_add());
      if (choose_.one_in(6)) out.commands.front().optional = true;
      return out;
    }
    case 2: return in(id, make_add());
    case 3:
    case 4: {
      auto out = in(id, make_modify(choose_.one_in(4) ? some_pattern() : some_name(s, id)));
      if (choose_.one_in(3)) out.commands.push_back(make_audit(some_name(s, id)));
      if (choose_.one_in(6)) out.commands.front().optional = true;
      if (choose_.one_in(8)) out.commands.front().wildcard_response = out.commands.front().has_pattern();
      return out;
    }
    case 5:
    case 6:
    case 7: {  // Move, of one, several, or by a pattern
      const auto to = choose_.one_in(4) ? context_id::choose() : id;
      auto out = in(to, make_move(s));
      if (last && choose_.one_in(5)) {
        out.commands.front().termination = some_pattern();
        if (!config_.modelled && choose_.one_in(2)) out.commands.front().wildcard_response = true;
        return out;
      }
      if (choose_.one_in(4)) out.commands.push_back(make_move(s));
      if (choose_.one_in(6)) out.commands.push_back(make_audit("*"));
      return out;
    }
    case 8:
    case 9: {
      auto c = of(command_kind::subtract, choose_.one_in(3) ? some_pattern() : some_name(s, id));
      if (choose_.one_in(3)) c.audit = audit_kind::nothing;
      if (choose_.one_in(3)) c.wildcard_response = true;
      auto out = in(id, std::move(c));
      if (choose_.one_in(5)) out.commands.push_back(make_add());
      return out;
    }
    case 10: return in(id, make_audit(choose_.one_in(2) ? "*" : some_name(s, id)));
    case 11: return make_topology(s);
    case 12: {
      auto out = make_service_change(s);
      if (out.context.is_null() && !last) return in(id, make_audit("*"));
      return out;
    }
    case 13: {  // the gateway as a whole
      if (choose_.one_in(2)) {
        auto c = of(command_kind::audit_value, "ROOT");
        c.audit = audit_kind::all;
        return in(context_id::null(), std::move(c));
      }
      auto c = of(command_kind::audit_capability, "ip/1/*");
      c.audit = audit_kind::statistics;
      return in(context_id::null(), std::move(c));
    }
    case 14: {
      if (!last) return in(id, make_audit("*"));
      action out = in(context_id::all(), make_audit(choose_.one_in(3) ? some_pattern() : "*"));
      if (choose_.one_in(3)) {
        out.commands.clear();
        out.audit = true;
      }
      return out;
    }
    default: {
      if (!last) return in(id, make_modify(some_name(s, id)));
      if (choose_.one_in(2)) {
        auto out = in(context_id::all(), make_modify(some_pattern()));
        out.commands.front().audit.reset();
        return out;
      }
      auto c = of(command_kind::subtract, choose_.one_in(2) ? "ip/1/core/*" : some_name(s, id));
      c.audit = audit_kind::nothing;
      c.wildcard_response = choose_.one_in(3);
      return in(context_id::all(), std::move(c));
    }
  }
}

}  // namespace agw::iq::overlap
