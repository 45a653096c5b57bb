// Signals and digit maps.
#include "text/parser.hpp"

namespace agw::h248::text {

bool parser::signals(signals_descriptor& out) {
  if (!in_.take_open()) return true;
  if (in_.peek() == '}') return in_.close();
  do {
    const std::string_view word = in_.word();
    if (!is_token(word, token::signal_list) || in_.peek() == '/') {
      in_.back_to(word);
      if (!signal(add_as<signal_request>(out.entries))) return false;
      continue;
    }
    signal_list& group = add_as<signal_list>(out.entries);
    if (!in_.equals() || !in_.uint16(group.id, "a signal list id") || !in_.open()) return false;
    do {
      signal_request& s = add(group.signals);
      const std::size_t where = in_.offset();
      if (!signal(s)) return false;
      // Annex B: exactly once. The type says when the signal ends and the next of the list begins.
      if (!s.type) return in_.fail(error_code::missing_parameter, "SignalType in each signal of a list", where);
    } while (comma());
    if (!in_.close()) return false;
  } while (comma());
  return in_.close();
}

bool parser::signal(signal_request& out) {
  if (!in_.item(out.name)) return false;
  if (!in_.take_open()) return true;
  do {
    if (!signal_parameter(out)) return false;
  } while (comma());
  return in_.close();
}

bool parser::signal_parameter(signal_request& out) {
  const std::string_view word = in_.word();
  const error_code twice = error_code::property_twice;
  switch (find_token(word)) {
    case token::stream: return once(out.stream.has_value(), twice, "one Stream") && stream(out.stream);
    case token::signal_type: {
      if (!once(out.type.has_value(), twice, "one SignalType") || !in_.equals()) return false;
      const std::string_view type = in_.word();
      switch (find_token(type)) {
        case token::on_off: out.type = signal_type::on_off; return true;
        case token::time_out: out.type = signal_type::time_out; return true;
        case token::brief: out.type = signal_type::brief; return true;
        default: in_.back_to(type); return in_.fail(error_code::unknown_value, "OnOff, TimeOut or Brief");
      }
    }
    case token::duration:
      if (!once(out.duration.has_value(), twice, "one Duration") || !in_.equals()) return false;
      return in_.uint16(out.duration.emplace(), "a duration in hundredths of a second");
    case token::notify_completion:
      return once(out.notify_completion.has_value(), twice, "one NotifyCompletion") && completion(out);
    case token::keep_active:
      in_.skip();
      if (in_.peek() != ',' && in_.peek() != '}') break;
      if (!once(out.keep_active, twice, "one KeepActive")) return false;
      out.keep_active = true;
      return true;
    case token::spa_direction: {
      if (!once(out.direction.has_value(), twice, "one SPADirection") || !in_.equals()) return false;
      const std::string_view direction_word = in_.word();
      switch (find_token(direction_word)) {
        case token::external: out.direction = signal_direction::external; return true;
        case token::internal: out.direction = signal_direction::internal; return true;
        case token::both: out.direction = signal_direction::both; return true;
        default: in_.back_to(direction_word); return in_.fail(error_code::unknown_value, "External, Internal or Both");
      }
    }
    case token::spa_request_id:
      return once(out.request.has_value(), twice, "one SPARequestID") && in_.equals() && request(out.request.emplace());
    case token::intersignal:
      if (!once(out.intersignal_delay.has_value(), twice, "one Intersignal") || !in_.equals()) return false;
      return in_.uint16(out.intersignal_delay.emplace(), "a delay in hundredths of a second");
    default: break;
  }
  return named_parameter(out.parameters, word);
}

bool parser::completion(signal_request& out) {
  completion_reasons& reasons = out.notify_completion.emplace();
  if (!in_.equals() || !in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    completion_reason reason{};
    switch (find_token(word)) {
      case token::time_out: reason = completion_reason::time_out; break;
      case token::int_by_event: reason = completion_reason::by_event; break;
      case token::int_by_signals: reason = completion_reason::by_signals; break;
      case token::other_reason: reason = completion_reason::other; break;
      case token::iteration: reason = completion_reason::iteration; break;
      default:
        in_.back_to(word);
        return in_.fail(error_code::unknown_value, "TimeOut, IntByEvent, IntBySigDescr, OtherReason or Iteration");
    }
    if (!once(reasons.has(reason), error_code::property_twice, "each reason once")) return false;
    reasons.add(reason);
  } while (comma());
  return in_.close();
}

namespace {

// Without the white space and comments behind the last character that means something.
std::string_view without_end(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ';') {
      while (i < text.size() && text[i] != '\n' && text[i] != '\r') ++i;
    } else if (!is(text[i], white)) {
      end = i + 1;
    }
  }
  return text.substr(0, end);
}

}  // namespace

bool parser::digit_map(digit_map_descriptor& out) {
  if (!in_.equals()) return false;
  if (in_.peek() != '{') {
    if (!in_.digit_map_name(out.name)) return false;
    if (!in_.next_is('{')) return true;
  }
  return digit_map_body(out.value.emplace_in(memory_));
}

// In an event: a name or a value, not both. erlang-megaco leaves the '=' out before a value.
bool parser::event_digit_map(requested_event& out) {
  digit_map_descriptor& map = out.digit_map.emplace_in(memory_);
  if (in_.next_is('{')) {
    in_.deviate(deviation::digit_map_equals, in_.offset());
  } else if (!in_.equals()) {
    return false;
  }
  if (in_.peek() != '{') return in_.digit_map_name(map.name);
  return digit_map_body(map.value.emplace_in(memory_));
}

bool parser::digit_map_body(digit_map_value& out) {
  if (!in_.open()) return false;
  const auto timer = [this](std::string_view letter, std::optional<std::uint8_t>& to) {
    const std::string_view word = in_.word();
    if (!iequals(word, letter) || in_.peek() != ':') {
      in_.back_to(word);
      return true;
    }
    in_.take_glued(':');
    const std::size_t where = in_.offset();
    std::uint32_t n = 0;
    if (!in_.number(n, 99, "a timer of one or two digits")) return false;
    if (in_.offset() - where > 2) return in_.fail(in_.level, "a timer of one or two digits", where);
    to = static_cast<std::uint8_t>(n);
    return in_.punctuation(',', "',' behind the timer");
  };
  if (!timer("T", out.start_timer) || !timer("S", out.short_timer) || !timer("L", out.long_timer)) return false;
  if (!timer("Z", out.duration_timer)) return false;

  const std::size_t from = in_.offset();
  std::size_t to = from;
  if (in_.take('(')) {
    do {
      if (!digit_string()) return false;
      in_.skip();
    } while (in_.take('|'));
    if (!in_.take_glued(')')) return in_.fail("a digit map: digits, letters, '|' or ')'");
    to = in_.offset();
  } else {
    if (!digit_string()) return false;
    to = in_.offset();
  }
  out.body = without_end(text_.substr(from, to - from));
  return in_.close();
}

// 1*( ( letter | "x" | "[" ranges "]" ) [ "." ] )
bool parser::digit_string() {
  for (bool any = false;; any = true) {
    if (!digit_map_letter() && !in_.take_glued('x') && !in_.take_glued('X')) {
      const bool range = in_.peek() == '[' || (is(in_.peek(), white) && in_.next_is('['));
      if (!range) return any || in_.fail("a digit map: digits, letters a to l, s, t, x, z, or ranges in brackets");
      if (!digit_range()) return false;
    }
    in_.take_glued('.');
  }
}

// Takes one. Annex B has E and F for the keys '*' and '#'; some equipment writes the keys.
bool parser::digit_map_letter() {
  const char c = in_.peek();
  const char low = ascii_lower(c);
  if (c == '*' || c == '#') {
    in_.deviate(deviation::digit_map, in_.offset());
  } else if (!ascii_digit(c) && !(low >= 'a' && low <= 'l') && low != 's' && low != 't' && low != 'z') {
    return false;
  }
  return in_.take_glued(c);
}

bool parser::digit_range() {
  in_.take_glued('[');
  in_.skip();
  for (;;) {
    const bool number = ascii_digit(in_.peek());
    if (!digit_map_letter()) break;
    if (!number || !in_.take_glued('-')) continue;
    if (!ascii_digit(in_.peek())) return in_.fail("a digit behind '-'");
    in_.take_glued(in_.peek());
  }
  in_.skip();
  if (!in_.take_glued(']')) return in_.fail("']' at the end of the range");
  // A '.' for the range stands right here, or after white space.
  if (is(in_.peek(), white)) in_.skip();
  return true;
}

}  // namespace agw::h248::text
