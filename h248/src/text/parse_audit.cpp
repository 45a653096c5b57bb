// Audit descriptors: bare names and individual audits.
#include "text/parser.hpp"

namespace agw::h248::text {

bool parser::asked_once(audit_scope& scope, asked place, std::uint64_t around, seen_items::key item, std::size_t where) {
  item.place = around << 8 | static_cast<std::uint64_t>(place);
  return scope.items.add(item) || in_.fail(error_code::property_twice, "each audited item once", where);
}

bool parser::audit(audit_descriptor& out, bool capabilities) {
  if (!in_.open()) return false;
  if (in_.peek() == '}') return in_.close();
  audit_scope scope(memory_, capabilities);
  do {
    const std::string_view word = in_.word();
    if (!audit_entry(out.items, find_token(word), scope)) {
      if (!in_.error()) in_.back_to(word);
      return in_.fail(error_code::unknown_descriptor, "a descriptor that can be audited");
    }
  } while (comma());
  return in_.close();
}

// False without an error noted: the word means nothing here.
bool parser::audit_entry(list<audit_item>& out, token kind, audit_scope& scope) {
  const std::size_t where = in_.last_word();
  in_.skip();
  const char next = in_.peek();
  const bool whole = next != '{' && next != '=';
  const auto bare = [&](audit_token t) {
    const unsigned bit = 1u << static_cast<unsigned>(t);
    if ((scope.whole & bit) != 0) return in_.fail(error_code::descriptor_twice, "each descriptor once", where);
    scope.whole |= bit;
    add(out, t);
    return true;
  };
  // Annex B: neither of them is allowed in AuditCapability. What packages there are does no harm to tell.
  if (scope.capabilities && kind == token::digit_map) {
    return in_.fail(error_code::descriptor_not_legal, "a descriptor that AuditCapability may ask for", where);
  }
  if (scope.capabilities && kind == token::packages) in_.deviate(deviation::packages_capability, where);
  switch (kind) {
    case token::mux: return bare(audit_token::mux);
    case token::modem: return bare(audit_token::modem);
    case token::observed_events: return bare(audit_token::observed_events);
    case token::media: return whole ? bare(audit_token::media) : audit_media_body(add_as<audit_media>(out), scope);
    case token::signals: {
      if (whole) return bare(audit_token::signals);
      auto& entries = add_as<audit_signals>(out).entries;
      if (!in_.open()) return false;
      if (in_.peek() == '}') return asked_once(scope, asked::signals, no_number, {}, where) && in_.close();
      do {
        if (!audit_signal_entry(entries, scope)) return false;
      } while (comma());
      return in_.close();
    }
    case token::event_buffer: {
      if (whole) return bare(audit_token::event_buffer);
      auto& buffer = add_as<audit_event_buffer>(out);
      if (!in_.open()) return false;
      do {
        if (!audit_event_spec(add(buffer.events), scope)) return false;
      } while (comma());
      return in_.close();
    }
    case token::events: {
      if (whole) return bare(audit_token::events);
      auto& wanted = add_as<audit_events>(out);
      if (in_.take('=') && !request(wanted.id.emplace())) return false;
      return names(wanted.events, scope, asked::events, wanted.id ? wanted.id->value : no_number);
    }
    case token::digit_map: {
      if (whole) return bare(audit_token::digit_map);
      std::string_view& name = add_as<audit_digit_map>(out).name;
      return in_.equals() && in_.digit_map_name(name) && asked_once(scope, asked::digit_map, no_number, {.text = name}, where);
    }
    case token::statistics:
      return whole ? bare(audit_token::statistics) : names(add_as<audit_statistics>(out).names, scope, asked::statistics);
    case token::packages: {
      if (whole) return bare(audit_token::packages);
      auto& wanted = add_as<audit_packages>(out);
      if (!in_.open()) return false;
      do {
        package_version& p = add(wanted.packages);
        const std::size_t at = in_.offset();
        if (!package_item(p) || !asked_once(scope, asked::packages, p.version, {.text = p.name}, at)) return false;
      } while (comma());
      return in_.close();
    }
    default: return false;
  }
}

// "{" pkgdName, ... "}"
bool parser::names(list<item_name>& out, audit_scope& scope, asked place, std::uint64_t around) {
  if (!in_.open()) return false;
  do {
    item_name& name = add(out);
    const std::size_t where = in_.offset();
    if (!in_.item(name) || !asked_once(scope, place, around, {.name = name}, where)) return false;
  } while (comma());
  return in_.close();
}

bool parser::audit_event_spec(event_spec& out, audit_scope& scope) {
  const std::size_t where = in_.offset();
  if (!in_.item(out.name)) return false;
  if (!in_.take_open()) return asked_once(scope, asked::event_buffer, no_number, {.name = out.name}, where);
  do {
    const std::string_view word = in_.word();
    const std::size_t at = in_.last_word();
    if (is_token(word, token::stream) && in_.next_is('=')) {
      if (!once(out.stream.has_value(), error_code::property_twice, "one Stream") || !stream(out.stream)) return false;
      if (!asked_once(scope, asked::event_buffer, out.stream->value, {.name = out.name}, at)) return false;
      continue;
    }
    in_.back_to(word);
    if (out.parameters.size() == limits_.max_parameters) return in_.fail("fewer parameters");
    std::string_view& name = add(out.parameters).name;
    if (!in_.name(name, "Stream or a parameter name")) return false;
    if (!asked_once(scope, asked::event_buffer, no_number, {.name = out.name, .text = name}, at)) return false;
  } while (comma());
  return in_.close();
}

bool parser::audit_signal(signal_request& out, audit_scope& scope, std::uint64_t signal_list_number) {
  const std::size_t where = in_.offset();
  if (!in_.item(out.name)) return false;
  if (in_.take_open()) {
    do {
      const std::string_view word = in_.word();
      switch (find_token(word)) {
        case token::stream:
          if (!once(out.stream.has_value(), error_code::property_twice, "one Stream") || !stream(out.stream)) return false;
          break;
        case token::spa_request_id:
          if (!once(out.request.has_value(), error_code::property_twice, "one SPARequestID")) return false;
          if (!in_.equals() || !request(out.request.emplace())) return false;
          break;
        default: in_.back_to(word); return in_.fail("Stream or SPARequestID");
      }
    } while (comma());
    if (!in_.close()) return false;
  }
  // The stream in the bits 33 to 49, RequestID below it, each with one bit for "not given".
  const std::uint64_t stream_bits = out.stream ? out.stream->value : std::uint64_t{1} << 16;
  const std::uint64_t request_bits = out.request ? out.request->value : std::uint64_t{1} << 32;
  return asked_once(scope, asked::signals, signal_list_number, {.name = out.name, .number = stream_bits << 33 | request_bits}, where);
}

bool parser::audit_signal_entry(list<signal_entry>& out, audit_scope& scope) {
  const std::string_view word = in_.word();
  const std::size_t where = in_.last_word();
  if (!is_token(word, token::signal_list) || in_.peek() == '/') {
    in_.back_to(word);
    return audit_signal(add_as<signal_request>(out), scope, no_number);
  }
  signal_list& group = add_as<signal_list>(out);
  if (!in_.equals() || !in_.uint16(group.id, "a signal list id")) return false;
  if (!in_.take_open()) return asked_once(scope, asked::signals, group.id, {}, where);
  do {
    if (!audit_signal(add(group.signals), scope, group.id)) return false;
  } while (comma());
  return in_.close();
}

bool parser::audit_media_body(audit_media& out, audit_scope& scope) {
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    const token kind = find_token(word);
    switch (kind) {
      case token::termination_state:
        if (!once(out.state.has_value(), error_code::descriptor_twice, "one TerminationState")) return false;
        if (!audit_state(out.state.emplace(), scope)) return false;
        break;
      case token::stream: {
        if (!once(out.single.has_value(), in_.level, "streams, or the parameters of one, not both")) return false;
        audit_stream_entry& s = add(out.streams);
        if (!in_.equals() || !in_.uint16(s.id.value, "a StreamID") || !in_.open()) return false;
        do {
          const std::string_view part = in_.word();
          if (!audit_stream_part(s.parameters, find_token(part), scope, s.id.value)) {
            if (!in_.error()) in_.back_to(part);
            return in_.fail(error_code::unknown_descriptor, "LocalControl, Statistics, Local or Remote");
          }
        } while (comma());
        if (!in_.close()) return false;
        break;
      }
      default:
        if (!once(!out.streams.empty(), in_.level, "streams, or the parameters of one, not both")) return false;
        if (!out.single) out.single.emplace_in(memory_);
        if (!audit_stream_part(*out.single, kind, scope, no_number)) {
          if (!in_.error()) in_.back_to(word);
          return in_.fail(error_code::unknown_descriptor, "Stream, TerminationState, LocalControl, Statistics, Local or Remote");
        }
    }
  } while (comma());
  return in_.close();
}

// False without an error noted: the word means nothing here.
bool parser::audit_stream_part(audit_stream& out, token kind, audit_scope& scope, std::uint64_t stream_number) {
  const std::size_t where = in_.last_word();
  const auto description = [&](std::optional<std::string_view>& to, std::string_view name) {
    if (!once(to.has_value(), error_code::descriptor_twice, "each session description once")) return false;
    return asked_once(scope, asked::session, stream_number, {.text = name}, where) && session(to);
  };
  switch (kind) {
    case token::local_control:
      if (!once(out.control.has_value(), error_code::descriptor_twice, "one LocalControl")) return false;
      return audit_control(out.control.emplace(), scope, stream_number);
    case token::statistics:
      return once(!out.statistics.empty(), error_code::descriptor_twice, "one Statistics") &&
             names(out.statistics, scope, asked::statistics, stream_number);
    case token::local: return description(out.local, "Local");
    case token::remote: return description(out.remote, "Remote");
    default: return false;
  }
}

bool parser::selected(relation& out) {
  in_.skip();
  switch (in_.peek()) {
    case '=': out = relation::equal; break;
    case '#': out = relation::not_equal; break;
    case '<': out = relation::less; break;
    case '>': out = relation::greater; break;
    default: return false;
  }
  in_.take_glued(in_.peek());
  in_.skip();
  return true;
}

namespace {

// Tells conditions apart, and each from a mere question.
template <class T>
std::uint64_t condition_number(const audited<T>& a) {
  if (!a.selected) return 0;
  return 1 + (static_cast<std::uint64_t>(a.rel) << 8) + static_cast<std::uint64_t>(*a.selected);
}

}  // namespace

// A name alone, or with a value to select by. The same name may stand for several conditions.
bool parser::audited_property(list<property>& out, std::string_view word, audit_scope& scope, asked place, std::uint64_t stream_number) {
  property& p = add(out);
  const std::size_t where = in_.last_word();
  if (word.empty() ? !in_.item(p.name) : !in_.item_after(word, p.name)) return false;
  in_.skip();
  if (in_.peek() == ',' || in_.peek() == '}') return asked_once(scope, place, stream_number, {.name = p.name}, where);
  if (!values(p.values)) return false;
  const char* const from = p.values.first().text.data();
  const std::string_view last = p.values.values.back().text;
  const std::string_view text(from, static_cast<std::size_t>(last.data() + last.size() - from));
  const auto condition = 1 + (static_cast<std::uint64_t>(p.values.rel) << 8) + static_cast<std::uint64_t>(p.values.form);
  return asked_once(scope, place, stream_number, {.name = p.name, .number = condition, .text = text}, where);
}

bool parser::audit_control(audit_local_control& out, audit_scope& scope, std::uint64_t stream_number) {
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    const std::size_t where = in_.last_word();
    const auto once_only = [&](token t, std::uint64_t condition) {
      return asked_once(scope, asked::control_word, stream_number, {.number = condition, .text = long_name(t)}, where);
    };
    switch (in_.peek() == '/' ? token::none : find_token(word)) {
      case token::mode:
        if (!once(out.mode.has_value(), error_code::property_twice, "one Mode")) return false;
        out.mode.emplace();
        if (selected(out.mode->rel) && !mode_word(out.mode->selected)) return false;
        if (!once_only(token::mode, condition_number(*out.mode))) return false;
        break;
      case token::reserved_value:
        if (!once_only(token::reserved_value, 0)) return false;
        out.reserve_value = true;
        break;
      case token::reserved_group:
        if (!once_only(token::reserved_group, 0)) return false;
        out.reserve_group = true;
        break;
      default:
        if (!audited_property(out.properties, word, scope, asked::control, stream_number)) return false;
    }
  } while (comma());
  return in_.close();
}

bool parser::audit_state(audit_termination_state& out, audit_scope& scope) {
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    const std::size_t where = in_.last_word();
    const auto once_only = [&](token t, std::uint64_t condition) {
      return asked_once(scope, asked::state_word, no_number, {.number = condition, .text = long_name(t)}, where);
    };
    switch (in_.peek() == '/' ? token::none : find_token(word)) {
      case token::service_states:
        if (!once(out.service.has_value(), error_code::property_twice, "one ServiceStates")) return false;
        out.service.emplace();
        if (selected(out.service->rel) && !service_word(out.service->selected)) return false;
        if (!once_only(token::service_states, condition_number(*out.service))) return false;
        break;
      case token::buffer:
        if (!once_only(token::buffer, 0)) return false;
        out.buffer = true;
        break;
      default:
        if (!audited_property(out.properties, word, scope, asked::state, no_number)) return false;
    }
  } while (comma());
  return in_.close();
}

}  // namespace agw::h248::text
