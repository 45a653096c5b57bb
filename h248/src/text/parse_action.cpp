// Actions: the context, its properties and audit, and the list of commands, each command guarded so that a broken one
// leaves the others intact.
#include <utility>

#include "text/parser.hpp"

namespace agw::h248::text {

bool parser::actions(list<action>& out, bool reply) {
  do {
    in_.level = error_code::syntax_error_in_action;
    const auto before = out.last();
    action& read = add(out);
    bool opened = false;
    const bool good = action_item(read, reply, opened);
    const auto leave_out = [&] {
      out.drop_last(before);
      return false;
    };
    if (!good) {
      if (gave_up_ || !opened) return leave_out();
      if (lost_command_) {
        read.error = std::move(lost_command_);
      } else {
        const bool cut_off = in_.at_end();
        if (cut_off && read.commands.empty()) return leave_out();
        record(read.error);  // also in the place of an Error that was read to a part
        if (cut_off) file_as(*read.error, error_code::syntax_error_in_action);
      }
      if (read.commands.empty()) read.properties = {};
    }
    if (!good) return false;
  } while (comma());
  in_.level = error_code::syntax_error_in_transaction;
  return true;
}

bool parser::action_item(action& out, bool reply, bool& opened) {
  const std::string_view word = in_.word();
  if (!is_token(word, token::context)) {
    in_.back_to(word);
    return in_.fail("Context");
  }
  if (!in_.equals() || !context(out.context)) return false;
  const std::size_t where = in_.offset();
  if (reply && (in_.next_is(',') || in_.next_is('}'))) {
    if (version_ < 3) in_.deviate(deviation::empty_action, where);
    return true;
  }
  opened = true;
  if (!in_.open()) return false;
  if (reply && in_.peek() == '}') {
    in_.deviate(deviation::empty_action, where);
    return in_.close();
  }
  return action_body(out, reply) && in_.close();
}

bool parser::context(context_id& out) {
  switch (in_.peek()) {
    case '-': out = context_id::null(); break;
    case '$': out = context_id::choose(); break;
    case '*': out = context_id::all(); break;
    default: {
      const std::size_t where = in_.offset();
      if (!in_.number(out.value, 0xFFFFFFFFu, "a ContextID")) return false;
      // The reserved values have signs of their own and never appear as numbers.
      return out.is_specific() || in_.fail(in_.level, "a ContextID that is not reserved", where);
    }
  }
  in_.take_glued(in_.peek());
  return true;
}

bool parser::action_body(action& out, bool reply) {
  do {
    if (!action_part(out, reply)) return false;
    if (reply && out.error) return true;  // an error is the last thing in an action
  } while (comma());
  return true;
}

bool parser::action_part(action& out, bool reply) {
  const std::string_view word = in_.word();
  const token kind = find_token(word);
  switch (kind) {
    case token::topology:
    case token::priority:
    case token::emergency:
    case token::emergency_off:
    case token::ieps_call:
    case token::context_attr:
      if (!out.commands.empty() || (out.audit && version_ != 2)) {
        in_.back_to(word);
        return in_.fail("context properties before ContextAudit and the commands");
      }
      // erlang-megaco writes version 2 this way round.
      if (out.audit) in_.deviate(deviation::context_audit_first, in_.last_word());
      return context_property(out.properties, kind);
    case token::context_audit:
      if (!out.commands.empty() || reply) return in_.fail("a command");
      if (!once(out.audit.has_value(), in_.level, "one ContextAudit")) return false;
      return context_audit_body(out.audit.emplace_in(memory_));
    case token::error:
      if (!reply) break;
      return error_body(out.error.emplace_in(memory_));
    default:
      break;
  }
  return command_part(out, reply, word);
}

bool parser::command_part(action& out, bool reply, std::string_view word) {
  const auto before = out.commands.last();
  command& read = add(out.commands);
  const int depth = in_.depth();
  in_.level = error_code::syntax_error_in_command;
  bool good = command_head(read, word, reply);
  bool opened = false;
  if (good && !read.context_form && in_.take_open()) {
    opened = true;
    good = command_body(read, reply) && in_.close();
  } else if (good && read.context_form) {
    opened = true;
    good = context_form(read);
  } else if (good && !in_.next_is(',') && !in_.next_is('}')) {
    good = in_.fail("'{', ',' or '}'");  // cut off, perhaps within the name of the termination
  } else if (good && !reply && (read.kind == command_kind::notify || read.kind == command_kind::service_change)) {
    good = in_.fail("'{'");  // only audits may do without
  } else if (good && !reply && (read.kind == command_kind::audit_value || read.kind == command_kind::audit_capability)) {
    in_.deviate(deviation::audit_body, in_.offset());
    add_as<audit_descriptor>(read.descriptors);
  }
  const auto leave_out = [&] {
    out.commands.drop_last(before);
    return false;
  };
  if (!good) {
    if (gave_up_ || !opened || in_.at_end() || !in_.skip_to_depth(depth)) return leave_out();
    box<error_descriptor> told;
    record(told);
    if (!in_.next_is(',') && !in_.next_is('}')) {
      file_as(*told, error_code::syntax_error_in_command);  // the end cannot be relied on
      lost_command_ = std::move(told);
      return leave_out();
    }
    read.fault = std::move(told);
  }
  in_.level = error_code::syntax_error_in_action;
  return true;
}

bool parser::context_property(context_properties& out, token kind) {
  switch (kind) {
    case token::topology:
      return once(!out.topology.empty(), in_.level, "one Topology") && topology(out.topology);
    case token::priority:
      return once(out.priority.has_value(), in_.level, "one Priority") && priority(out.priority);
    case token::emergency:
    case token::emergency_off:
      if (!once(out.emergency.has_value(), in_.level, "one of Emergency and EmergencyOff")) return false;
      if (!once(kind == token::emergency_off && version_ == 1, in_.level, "Emergency: version 1 has no EmergencyOff")) return false;
      out.emergency = kind == token::emergency;
      return true;
    case token::ieps_call:
      return once(out.ieps.has_value(), in_.level, "one IEPSCall") && in_.equals() && on_off(out.ieps);
    default:
      return context_attributes(out);
  }
}

bool parser::priority(std::optional<std::uint16_t>& out) {
  std::uint16_t number = 0;
  if (!in_.equals()) return false;
  const std::size_t where = in_.offset();
  if (!in_.uint16(number, "a priority from 0 to 15")) return false;
  if (number > 15) return in_.fail(in_.level, "a priority from 0 to 15", where);
  out = number;
  return true;
}

bool parser::direction(topology_direction& out) {
  const std::string_view word = in_.word();
  switch (find_token(word)) {
    case token::bothway: out = topology_direction::bothway; return true;
    case token::isolate: out = topology_direction::isolate; return true;
    case token::oneway: out = topology_direction::oneway; return true;
    case token::oneway_external: out = topology_direction::oneway_external; return true;
    case token::oneway_both: out = topology_direction::oneway_both; return true;
    default: in_.back_to(word); return in_.fail("Bothway, Isolate, Oneway, OnewayExternal or OnewayBoth");
  }
}

bool parser::topology(list<topology_triple>& out) {
  if (!in_.open()) return false;
  do {
    // A triple may be followed by its stream or by the next triple: both start behind a comma.
    const std::string_view word = in_.word();
    if (!out.empty() && is_token(word, token::stream) && in_.next_is('=')) {
      if (!once(out.back().stream.has_value(), in_.level, "one Stream in a triple") || !stream(out.back().stream)) return false;
      continue;
    }
    in_.back_to(word);
    topology_triple& triple = add(out);
    if (!in_.termination(triple.a) || !in_.punctuation(',', "','")) return false;
    if (!in_.termination(triple.b) || !in_.punctuation(',', "','")) return false;
    if (!direction(triple.direction)) return false;
  } while (comma());
  return in_.close();
}

bool parser::context_list(context_properties& out) {
  if (!once(!out.contexts.empty(), in_.level, "one ContextList") || !in_.equals() || !in_.open()) return false;
  do {
    if (!context(add(out.contexts))) return false;
  } while (comma());
  return in_.close();
}

bool parser::context_attributes(context_properties& out) {
  if (!in_.open()) return false;
  const std::string_view word = in_.word();
  if (is_token(word, token::context_list) && in_.next_is('=')) return context_list(out) && in_.close();
  in_.back_to(word);
  do {
    if (!property_item(out.attributes, in_.word())) return false;
  } while (comma());
  return in_.close();
}

bool parser::context_audit_body(context_audit& out) {
  seen_items seen(memory_);
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    if (!is_token(word, token::context_attr)) {
      in_.back_to(word);
      if (!context_audit_part(out, seen)) return false;
      continue;
    }
    if (!context_audit_attributes(out, true, seen)) return false;
  } while (comma());
  return in_.close();
}

// Both what is asked for and what is selected by may stand inside; a value tells them apart. The grammar lets a selector be in braces
// of its own once more.
bool parser::context_audit_attributes(context_audit& out, bool outer, seen_items& seen) {
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    const bool inner = outer && is_token(word, token::context_attr) && in_.next_is('{');
    if (!inner) in_.back_to(word);
    if (inner ? !context_audit_attributes(out, false, seen) : !context_audit_part(out, seen)) return false;
  } while (comma());
  return in_.close();
}

bool parser::context_audit_part(context_audit& out, seen_items& seen) {
  const auto flag = [this](bool& wanted) {
    if (!once(wanted, in_.level, "each property once")) return false;
    wanted = true;
    return true;
  };
  const std::string_view word = in_.word();
  const std::size_t where = in_.last_word();
  const token kind = in_.peek() == '/' ? token::none : find_token(word);
  switch (kind) {
    case token::topology: return flag(out.topology);
    case token::emergency: return flag(out.emergency);
    case token::priority:
      if (in_.next_is('=')) {
        return once(out.selection.priority.has_value(), in_.level, "one Priority to select by") && priority(out.selection.priority);
      }
      return flag(out.priority);
    case token::ieps_call:
      if (in_.take('=')) return once(out.selection.ieps.has_value(), in_.level, "one IEPSCall to select by") && on_off(out.selection.ieps);
      return flag(out.ieps);
    case token::emergency_value: {
      if (!once(out.selection.emergency.has_value(), in_.level, "one EmergencyValue") || !in_.equals()) return false;
      const std::string_view which = in_.word();
      const token state = find_token(which);
      if (state != token::emergency && state != token::emergency_off) {
        in_.back_to(which);
        return in_.fail("Emergency or EmergencyOff");
      }
      out.selection.emergency = state == token::emergency;
      return true;
    }
    case token::context_list: return context_list(out.selection);
    case token::and_logic:
    case token::or_logic:
      if (!once(out.logic.has_value(), in_.level, "one of ANDLgc and ORLgc")) return false;
      out.logic = kind == token::and_logic ? select_logic::all_of : select_logic::any_of;
      return true;
    default: break;
  }
  item_name name;
  if (word.empty() ? !in_.item(name) : !in_.item_after(word, name)) return false;
  in_.skip();
  if (in_.peek() == ',' || in_.peek() == '}') {
    if (!seen.add({0, name, {}})) return in_.fail(in_.level, "each property once", where);
    add(out.attributes, name);
    return true;
  }
  return values(add(out.selection.attributes, property{name}).values);
}

}  // namespace agw::h248::text
