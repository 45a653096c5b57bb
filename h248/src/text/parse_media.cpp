// Media, Mux, Modem, Statistics, and the property values they hold.
#include <string>
#include <utility>

#include "text/parser.hpp"

namespace agw::h248::text {

bool parser::value_list(value_set& out, char closing) {
  do {
    if (!in_.one_value(add(out.values))) return false;
    if (closing == ']' && out.values.size() == 1 && in_.take_glued(':')) {
      out.form = value_form::range;
      return in_.one_value(add(out.values)) && in_.punctuation(']', "']' behind the range");
    }
  } while (comma());
  if (closing == ']') return in_.punctuation(']', "',' or ']'");
  return in_.close();
}

bool parser::values(value_set& out) {
  in_.skip();
  switch (in_.peek()) {
    case '=': break;
    case '>': out.rel = relation::greater; break;
    case '<': out.rel = relation::less; break;
    case '#': out.rel = relation::not_equal; break;
    default: return in_.fail("'=', '<', '>' or '#' and a value");
  }
  in_.take_glued(in_.peek());
  in_.skip();
  if (out.rel == relation::equal) {
    if (in_.take('[')) {
      out.form = value_form::sublist;
      return value_list(out, ']');
    }
    if (in_.take_open()) {
      out.form = value_form::alternatives;
      return value_list(out, '}');
    }
  }
  return in_.one_value(add(out.values));
}

bool parser::property_item(list<property>& out, std::string_view word) {
  property& p = add(out);
  if (word.empty() ? !in_.item(p.name) : !in_.item_after(word, p.name)) return false;
  return values(p.values);
}

bool parser::on_off(std::optional<bool>& out) {
  const std::string_view word = in_.word();
  const token t = find_token(word);
  if (t != token::on && t != token::off) {
    in_.back_to(word);
    return in_.fail(error_code::unknown_value, "ON or OFF");
  }
  out = t == token::on;
  return true;
}

bool parser::mode_word(std::optional<stream_mode>& out) {
  const std::string_view word = in_.word();
  switch (find_token(word)) {
    case token::send_only: out = stream_mode::send_only; return true;
    case token::receive_only: out = stream_mode::receive_only; return true;
    case token::send_receive: out = stream_mode::send_receive; return true;
    case token::inactive: out = stream_mode::inactive; return true;
    case token::loopback: out = stream_mode::loopback; return true;
    default:
      in_.back_to(word);
      return in_.fail(error_code::unknown_value, "SendOnly, ReceiveOnly, SendReceive, Inactive or Loopback");
  }
}

bool parser::service_word(std::optional<service_state>& out) {
  const std::string_view word = in_.word();
  switch (find_token(word)) {
    case token::test: out = service_state::test; return true;
    case token::out_of_service: out = service_state::out_of_service; return true;
    case token::in_service: out = service_state::in_service; return true;
    default: in_.back_to(word); return in_.fail(error_code::unknown_value, "Test, OutOfService or InService");
  }
}

bool parser::media(media_descriptor& out) {
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    const token kind = find_token(word);
    switch (kind) {
      case token::termination_state:
        if (!once(out.state.has_value(), error_code::descriptor_twice, "one TerminationState")) return false;
        if (!state(out.state.emplace())) return false;
        break;
      case token::stream: {
        if (!once(out.single.has_value(), in_.level, "streams, or the parameters of one, not both")) return false;
        stream_descriptor& s = add(out.streams);
        if (!in_.equals() || !in_.uint16(s.id.value, "a StreamID") || !in_.open()) return false;
        do {
          const std::string_view part = in_.word();
          if (!stream_parameter(s.parameters, find_token(part))) {
            if (!in_.error()) in_.back_to(part);
            return in_.fail(error_code::unknown_descriptor, "Local, Remote, LocalControl or Statistics");
          }
        } while (comma());
        if (!in_.close()) return false;
        break;
      }
      default:
        if (!once(!out.streams.empty(), in_.level, "streams, or the parameters of one, not both")) return false;
        if (!out.single) out.single.emplace_in(memory_);
        if (!stream_parameter(*out.single, kind)) {
          if (!in_.error()) in_.back_to(word);
          return in_.fail(error_code::unknown_descriptor, "Stream, TerminationState, Local, Remote, LocalControl or Statistics");
        }
    }
  } while (comma());
  return in_.close();
}

// False without an error noted: the word means nothing here.
bool parser::stream_parameter(stream_parameters& out, token kind) {
  switch (kind) {
    case token::local_control:
      return once(out.control.has_value(), error_code::descriptor_twice, "one LocalControl") && control(out.control.emplace());
    case token::local: return once(out.local.has_value(), error_code::descriptor_twice, "one Local") && session(out.local);
    case token::remote: return once(out.remote.has_value(), error_code::descriptor_twice, "one Remote") && session(out.remote);
    case token::statistics:
      return once(out.statistics.has_value(), error_code::descriptor_twice, "one Statistics") &&
             statistics(out.statistics.emplace_in(memory_));
    default: return false;
  }
}

bool parser::session(std::optional<std::string_view>& out) {
  std::string_view raw;
  bool escaped = false;
  if (!in_.open() || !in_.octets(raw, escaped)) return false;
  if (!escaped) {
    out = raw;
    return true;
  }
  std::string plain;
  plain.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size() && raw[i + 1] == '}') ++i;
    plain += raw[i];
  }
  out = memory_.keep(plain);
  return true;
}

bool parser::control(local_control& out) {
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    switch (in_.peek() == '/' ? token::none : find_token(word)) {
      case token::mode:
        if (!once(out.mode.has_value(), error_code::property_twice, "one Mode")) return false;
        if (!in_.equals() || !mode_word(out.mode)) return false;
        break;
      case token::reserved_value:
        if (!once(out.reserve_value.has_value(), error_code::property_twice, "one ReservedValue")) return false;
        if (!in_.equals() || !on_off(out.reserve_value)) return false;
        break;
      case token::reserved_group:
        if (!once(out.reserve_group.has_value(), error_code::property_twice, "one ReservedGroup")) return false;
        if (!in_.equals() || !on_off(out.reserve_group)) return false;
        break;
      default:
        if (!property_item(out.properties, word)) return false;
    }
  } while (comma());
  return in_.close();
}

bool parser::state(termination_state& out) {
  if (!in_.open()) return false;
  do {
    const std::string_view word = in_.word();
    switch (in_.peek() == '/' ? token::none : find_token(word)) {
      case token::service_states:
        if (!once(out.service.has_value(), error_code::property_twice, "one ServiceStates")) return false;
        if (!in_.equals() || !service_word(out.service)) return false;
        break;
      case token::buffer: {
        if (!once(out.buffer.has_value(), error_code::property_twice, "one Buffer") || !in_.equals()) return false;
        const std::string_view how = in_.word();
        const token t = find_token(how);
        if (t != token::off && t != token::lock_step) {
          in_.back_to(how);
          return in_.fail(error_code::unknown_value, "OFF or LockStep");
        }
        out.buffer = t == token::off ? event_buffer_control::off : event_buffer_control::lock_step;
        break;
      }
      default:
        if (!property_item(out.properties, word)) return false;
    }
  } while (comma());
  return in_.close();
}

// The bare word is the empty descriptor.
bool parser::statistics(statistics_descriptor& out) {
  if (!in_.take_open()) return true;
  seen_items seen(memory_);
  do {
    statistic& s = add(out.entries);
    const std::size_t where = in_.offset();
    if (!in_.item(s.name)) return false;
    if (!seen.add({0, s.name, {}})) return in_.fail(error_code::property_twice, "each statistic once", where);
    in_.skip();
    // The grammar has no '=' before a list; peers write it or leave it out.
    if (in_.peek() == '=') {
      if (!values(s.values)) return false;
      if (s.values.form == value_form::alternatives || s.values.form == value_form::range) return in_.fail("a value or a list");
    } else if (in_.take('[')) {
      s.values.form = value_form::sublist;
      if (!value_list(s.values, ']')) return false;
    }
  } while (comma());
  return in_.close();
}

bool parser::mux(mux_descriptor& out) {
  if (!in_.equals()) return false;
  const std::string_view word = in_.word();
  switch (find_token(word)) {
    case token::h221: out.type = mux_type::h221; break;
    case token::h223: out.type = mux_type::h223; break;
    case token::h226: out.type = mux_type::h226; break;
    case token::v76: out.type = mux_type::v76; break;
    case token::nx64k: out.type = mux_type::nx64k; break;
    default:
      out.type = mux_type::extension;
      if (!in_.extension_after(word, out.extension)) return false;
  }
  if (!in_.open()) return false;
  do {
    if (!in_.termination(add(out.terminations))) return false;
  } while (comma());
  return in_.close();
}

bool parser::modem_kind_item(modem_descriptor& out, unsigned& seen) {
  modem_kind kind;
  const std::string_view word = in_.word();
  switch (find_token(word)) {
    case token::v18: kind.type = modem_type::v18; break;
    case token::v22: kind.type = modem_type::v22; break;
    case token::v22bis: kind.type = modem_type::v22bis; break;
    case token::v32: kind.type = modem_type::v32; break;
    case token::v32bis: kind.type = modem_type::v32bis; break;
    case token::v34: kind.type = modem_type::v34; break;
    case token::v90: kind.type = modem_type::v90; break;
    case token::v91: kind.type = modem_type::v91; break;
    case token::synch_isdn: kind.type = modem_type::synch_isdn; break;
    default:
      kind.type = modem_type::extension;
      if (!in_.extension_after(word, kind.extension)) return false;
  }
  const auto bit = 1u << static_cast<unsigned>(kind.type);
  // Annex B: at most once, except for extensions.
  if (!once(kind.type != modem_type::extension && (seen & bit) != 0, error_code::property_twice, "each modem type once")) return false;
  seen |= bit;
  add(out.types, kind);
  return true;
}

bool parser::modem(modem_descriptor& out) {
  unsigned seen = 0;
  if (in_.take('[')) {
    do {
      if (!modem_kind_item(out, seen)) return false;
    } while (comma());
    if (!in_.punctuation(']', "',' or ']'")) return false;
  } else if (!in_.equals() || !modem_kind_item(out, seen)) {
    return false;
  }
  if (!in_.take_open()) return true;
  do {
    if (!property_item(out.properties, in_.word())) return false;
  } while (comma());
  return in_.close();
}

}  // namespace agw::h248::text
