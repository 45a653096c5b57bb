// Events, the event buffer, observed events, and the parameters they share with signals.
#include "text/parser.hpp"

namespace agw::h248::text {

bool parser::stream(std::optional<stream_id>& out) { return in_.equals() && in_.uint16(out.emplace().value, "a StreamID"); }

bool parser::request(request_id& out) {
  if (in_.take_glued('*')) {
    out = request_id::all();
    return true;
  }
  return in_.number(out.value, 0xFFFFFFFFu, "a RequestID");
}

// NAME and a value, the name already read.
bool parser::named_parameter(list<parameter>& out, std::string_view name) {
  if (name.empty() || !is(name.front(), name_start) || name.size() > 64) {
    if (!name.empty()) in_.back_to(name);
    return in_.fail("a parameter name");
  }
  if (out.size() == limits_.max_parameters) {
    in_.back_to(name);
    return in_.fail(error_code::insufficient_resources, "fewer parameters");
  }
  if (find(out, name) != nullptr) {
    in_.back_to(name);
    return in_.fail(error_code::property_twice, "each parameter once");
  }
  parameter& p = add(out);
  p.name = name;
  return values(p.values);
}

// Stream or NAME, as the event buffer and observed events have them.
bool parser::plain_parameter(std::optional<stream_id>& stream_of, list<parameter>& out) {
  const std::string_view word = in_.word();
  if (is_token(word, token::stream)) {
    return once(stream_of.has_value(), error_code::property_twice, "one Stream") && stream(stream_of);
  }
  return named_parameter(out, word);
}

bool parser::events(events_descriptor& out, bool embedded) {
  if (!in_.take('=')) return true;
  if (!request(out.id.emplace()) || !in_.open()) return false;
  do {
    if (!event(add(out.events), embedded)) return false;
  } while (comma());
  return in_.close();
}

bool parser::event(requested_event& out, bool embedded) {
  if (!in_.item(out.name)) return false;
  if (!in_.take_open()) return true;
  do {
    if (!event_parameter(out, embedded)) return false;
  } while (comma());
  const bool embeds_signals = out.embedded && out.embedded->signals;
  if (out.keep_active && embeds_signals) return in_.fail("KeepActive or embedded Signals, not both");
  return in_.close();
}

bool parser::event_parameter(requested_event& out, bool embedded) {
  const std::string_view word = in_.word();
  const token kind = find_token(word);
  in_.skip();
  const char next = in_.peek();
  const bool bare = next == ',' || next == '}';
  switch (kind) {
    case token::embed:
      if (next != '{') break;
      if (!once(out.embedded.has_value(), in_.level, "one Embed")) return false;
      return embed(out.embedded.emplace_in(memory_), embedded);
    case token::keep_active:
      if (!bare) break;
      if (!once(out.keep_active, in_.level, "one KeepActive")) return false;
      out.keep_active = true;
      return true;
    case token::reset_events:
      if (!bare) break;
      if (!once(out.reset_events, in_.level, "one ResetEventsDescriptor")) return false;
      out.reset_events = true;
      return true;
    case token::never_notify:
    case token::immediate_notify:
    case token::regulated_notify:
      if (!bare && next != '{') break;
      return behaviour(out, kind, embedded);
    case token::digit_map:
      if (!once(out.digit_map.has_value(), in_.level, "one DigitMap")) return false;
      return event_digit_map(out);
    case token::stream:
      return once(out.stream.has_value(), error_code::property_twice, "one Stream") && stream(out.stream);
    default: break;
  }
  return named_parameter(out.parameters, word);
}

bool parser::embed(embedded_descriptors& out, bool embedded) {
  if (!in_.open()) return false;
  std::string_view word = in_.word();
  token kind = find_token(word);
  if (kind == token::signals) {
    if (!signals(out.signals.emplace_in(memory_))) return false;
    if (embedded || !comma()) return in_.close();
    word = in_.word();
    kind = find_token(word);
  }
  if (kind != token::events || embedded) {
    in_.back_to(word);
    return in_.fail(embedded ? "Signals" : "Signals or Events");
  }
  return events(out.events.emplace_in(memory_), true) && in_.close();
}

bool parser::behaviour(requested_event& out, token kind, bool embedded) {
  if (!once(out.behaviour.has_value(), in_.level, "one of NeverNotify, ImmediateNotify and RegulatedNotify")) return false;
  notify_behaviour& b = out.behaviour.emplace_in(memory_);
  b.kind = kind == token::never_notify ? notify_kind::never
         : kind == token::immediate_notify ? notify_kind::immediate : notify_kind::regulated;
  if (b.kind != notify_kind::regulated || !in_.take_open()) return true;
  const std::string_view word = in_.word();
  if (!is_token(word, token::embed)) {
    in_.back_to(word);
    return in_.fail("Embed");
  }
  return embed(b.embedded, embedded) && in_.close();
}

bool parser::event_buffer(event_buffer_descriptor& out) {
  if (!in_.take_open()) return true;
  do {
    event_spec& spec = add(out.events);
    if (!in_.item(spec.name)) return false;
    if (!in_.take_open()) continue;
    do {
      if (!plain_parameter(spec.stream, spec.parameters)) return false;
    } while (comma());
    if (!in_.close()) return false;
  } while (comma());
  return in_.close();
}

bool parser::observed(observed_events_descriptor& out) {
  if (!in_.equals() || !request(out.id) || !in_.open()) return false;
  do {
    observed_event& seen = add(out.events);
    if (is(in_.peek(), digit)) {
      if (!in_.time(seen.time.emplace()) || !in_.punctuation(':', "':' behind the time")) return false;
    }
    if (!in_.item(seen.name)) return false;
    if (!in_.take_open()) continue;
    do {
      if (!plain_parameter(seen.stream, seen.parameters)) return false;
    } while (comma());
    if (!in_.close()) return false;
  } while (comma());
  return in_.close();
}

}  // namespace agw::h248::text
