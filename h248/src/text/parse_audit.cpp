// Audit descriptors: bare names and individual audits.
#include "text/parser.hpp"

namespace agw::h248::text {

bool parser::audit(audit_descriptor& out) {
  if (!in_.open()) return false;
  if (in_.peek() == '}') return in_.close();
  do {
    const std::string_view word = in_.word();
    if (!audit_entry(out.items, find_token(word))) {
      if (!in_.error()) in_.back_to(word);
      return in_.fail(error_code::unknown_descriptor, "a descriptor that can be audited");
    }
  } while (comma());
  return in_.close();
}

// False without an error noted: the word means nothing here.
bool parser::audit_entry(list<audit_item>& out, token kind) {
  in_.skip();
  const char next = in_.peek();
  const bool whole = next != '{' && next != '=';
  const auto bare = [&](audit_token t) {
    add(out, t);
    return true;
  };
  switch (kind) {
    case token::mux: return bare(audit_token::mux);
    case token::modem: return bare(audit_token::modem);
    case token::observed_events: return bare(audit_token::observed_events);
    case token::media: return whole ? bare(audit_token::media) : audit_media_body(add_as<audit_media>(out));
    case token::signals: {
      if (whole) return bare(audit_token::signals);
      auto& entries = add_as<audit_signals>(out).entries;
      if (!in_.open()) return false;
      if (in_.peek() == '}') return in_.close();
      do {
        if (!audit_signal_entry(entries)) return false;
      } while (comma());
      return in_.close();
    }
    case token::event_buffer: {
      if (whole) return bare(audit_token::event_buffer);
      auto& buffer = add_as<audit_event_buffer>(out);
      if (!in_.open()) return false;
      do {
        if (!audit_event_spec(add(buffer.events))) return false;
      } while (comma());
      return in_.close();
    }
    case token::events: {
      if (whole) return bare(audit_token::events);
      auto& wanted = add_as<audit_events>(out);
      if (in_.take('=') && !request(wanted.id.emplace())) return false;
      return names(wanted.events);
    }
    case token::digit_map:
      if (whole) return bare(audit_token::digit_map);
      return in_.equals() && in_.name(add_as<audit_digit_map>(out).name, "a digit map name");
    case token::statistics: return whole ? bare(audit_token::statistics) : names(add_as<audit_statistics>(out).names);
    case token::packages: {
      if (whole) return bare(audit_token::packages);
      auto& wanted = add_as<audit_packages>(out);
      if (!in_.open()) return false;
      do {
        if (!package_item(add(wanted.packages))) return false;
      } while (comma());
      return in_.close();
    }
    default: return false;
  }
}

// "{" pkgdName, ... "}"
bool parser::names(list<item_name>& out) {
  if (!in_.open()) return false;
  do {
    if (!in_.item(add(out))) return false;
  } while (comma());
  return in_.close();
}

bool parser::audit_event_spec(event_spec& out) {
  if (!in_.item(out.name)) return false;
  if (!in_.take_open()) return true;
  do {
    const std::string_view word = in_.word();
    if (is_token(word, token::stream) && in_.next_is('=')) {
      if (!once(out.stream.has_value(), error_code::property_twice, "one Stream") || !stream(out.stream)) return false;
      continue;
    }
    in_.back_to(word);
    if (out.parameters.size() == limits_.max_parameters) return in_.fail("fewer parameters");
    if (!in_.name(add(out.parameters).name, "Stream or a parameter name")) return false;
  } while (comma());
  return in_.close();
}

bool parser::audit_signal(signal_request& out) {
  if (!in_.item(out.name)) return false;
  if (!in_.take_open()) return true;
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
  return in_.close();
}

bool parser::audit_signal_entry(list<signal_entry>& out) {
  const std::string_view word = in_.word();
  if (!is_token(word, token::signal_list) || in_.peek() == '/') {
    in_.back_to(word);
    return audit_signal(add_as<signal_request>(out));
  }
  signal_list& group = add_as<signal_list>(out);
  if (!in_.equals() || !in_.uint16(group.id, "a signal list id")) return false;
  if (!in_.take_open()) return true;
  do {
    if (!audit_signal(add(group.signals))) return false;
  } while (comma());
  return in_.close();
}

bool parser::audit_media_body(audit_media& out) {
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    const token kind = find_token(word);
    switch (kind) {
      case token::termination_state:
        if (!once(out.state.has_value(), error_code::descriptor_twice, "one TerminationState")) return false;
        if (!audit_state(out.state.emplace())) return false;
        break;
      case token::stream: {
        if (!once(out.single.has_value(), in_.level, "streams, or the parameters of one, not both")) return false;
        audit_stream_entry& s = add(out.streams);
        if (!in_.equals() || !in_.uint16(s.id.value, "a StreamID") || !in_.open()) return false;
        do {
          const std::string_view part = in_.word();
          if (!audit_stream_part(s.parameters, find_token(part))) {
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
        if (!audit_stream_part(*out.single, kind)) {
          if (!in_.error()) in_.back_to(word);
          return in_.fail(error_code::unknown_descriptor, "Stream, TerminationState, LocalControl, Statistics, Local or Remote");
        }
    }
  } while (comma());
  return in_.close();
}

// False without an error noted: the word means nothing here.
bool parser::audit_stream_part(audit_stream& out, token kind) {
  switch (kind) {
    case token::local_control:
      if (!once(out.control.has_value(), error_code::descriptor_twice, "one LocalControl")) return false;
      return audit_control(out.control.emplace());
    case token::statistics:
      return once(!out.statistics.empty(), error_code::descriptor_twice, "one Statistics") && names(out.statistics);
    case token::local: return once(out.local.has_value(), error_code::descriptor_twice, "one Local") && session(out.local);
    case token::remote: return once(out.remote.has_value(), error_code::descriptor_twice, "one Remote") && session(out.remote);
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

// A name alone, or with a value to select by.
bool parser::audited_property(list<property>& out, std::string_view word) {
  property& p = add(out);
  if (word.empty() ? !in_.item(p.name) : !in_.item_after(word, p.name)) return false;
  in_.skip();
  return in_.peek() == ',' || in_.peek() == '}' || values(p.values);
}

bool parser::audit_control(audit_local_control& out) {
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    switch (in_.peek() == '/' ? token::none : find_token(word)) {
      case token::mode:
        if (!once(out.mode.has_value(), error_code::property_twice, "one Mode")) return false;
        out.mode.emplace();
        if (selected(out.mode->rel) && !mode_word(out.mode->selected)) return false;
        break;
      case token::reserved_value: out.reserve_value = true; break;
      case token::reserved_group: out.reserve_group = true; break;
      default:
        if (!audited_property(out.properties, word)) return false;
    }
  } while (comma());
  return in_.close();
}

bool parser::audit_state(audit_termination_state& out) {
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    switch (in_.peek() == '/' ? token::none : find_token(word)) {
      case token::service_states:
        if (!once(out.service.has_value(), error_code::property_twice, "one ServiceStates")) return false;
        out.service.emplace();
        if (selected(out.service->rel) && !service_word(out.service->selected)) return false;
        break;
      case token::buffer: out.buffer = true; break;
      default:
        if (!audited_property(out.properties, word)) return false;
    }
  } while (comma());
  return in_.close();
}

}  // namespace agw::h248::text
