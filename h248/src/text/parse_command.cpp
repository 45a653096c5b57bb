// Commands, their terminations and which descriptor may stand in which of them.
#include "text/parser.hpp"

namespace agw::h248::text {
namespace {

std::optional<command_kind> command_of(token t) {
  switch (t) {
    case token::add: return command_kind::add;
    case token::move: return command_kind::move;
    case token::modify: return command_kind::modify;
    case token::subtract: return command_kind::subtract;
    case token::audit_value: return command_kind::audit_value;
    case token::audit_capability: return command_kind::audit_capability;
    case token::notify: return command_kind::notify;
    case token::service_change: return command_kind::service_change;
    default: return std::nullopt;
  }
}

bool is_descriptor(token t) {
  switch (t) {
    case token::media: case token::modem: case token::mux: case token::events: case token::event_buffer:
    case token::signals: case token::digit_map: case token::audit: case token::statistics:
    case token::observed_events: case token::packages: case token::error: case token::services:
      return true;
    default:
      return false;
  }
}

bool legal(token t, command_kind kind, bool reply) {
  if (reply) {
    switch (kind) {
      case command_kind::notify: return t == token::error;
      case command_kind::service_change: return t == token::error || t == token::services;
      default: return t != token::audit && t != token::services;
    }
  }
  switch (kind) {
    case command_kind::add:
    case command_kind::move:
    case command_kind::modify:
      return t != token::observed_events && t != token::packages && t != token::error && t != token::services;
    case command_kind::subtract:
    case command_kind::audit_value:
    case command_kind::audit_capability: return t == token::audit;
    case command_kind::notify: return t == token::observed_events || t == token::error;
    case command_kind::service_change: return t == token::services;
  }
  return false;
}

// The reply to a wildcard, or to an audit of several items, may repeat the other descriptors.
bool once_in_reply(token t, command_kind kind) {
  if (kind == command_kind::notify || kind == command_kind::service_change) return true;
  return t == token::statistics;
}

// The alternative of the model a word becomes; for "appears twice".
std::size_t index_of(token t) {
  switch (t) {
    case token::media: return 0;
    case token::events: return 1;
    case token::signals: return 2;
    case token::audit: return 3;
    case token::observed_events: return 4;
    case token::statistics: return 5;
    case token::error: return 6;
    case token::services: return 7;
    case token::packages: return 8;
    case token::event_buffer: return 9;
    case token::digit_map: return 10;
    case token::mux: return 11;
    default: return 12;
  }
}

}  // namespace

bool parser::command_head(command& out, std::string_view word, bool reply) {
  const auto prefix = [&](std::string_view letter, bool& flag) {
    if (!iequals(word, letter) || in_.peek() != '-') return;
    in_.take_glued('-');
    flag = true;
    word = in_.word();
  };
  const std::string_view first_word = word;
  prefix("O", out.optional);
  if (out.optional && reply) {
    in_.back_to(first_word);
    return in_.fail("a reply without 'O-'");
  }
  prefix("W", out.wildcard_response);
  const auto kind = command_of(find_token(word));
  if (!kind) {
    in_.back_to(word);
    return in_.fail(word.empty() ? error_code::syntax_error_in_action : error_code::unknown_command, "a command");
  }
  out.kind = *kind;
  if (!in_.equals()) return false;
  const bool audits = out.kind == command_kind::audit_value || out.kind == command_kind::audit_capability;
  if (reply && audits) {
    const std::string_view first = in_.word();
    if (is_token(first, token::context) && in_.next_is('{')) {
      out.context_form = true;
      return true;
    }
    in_.back_to(first);
  }
  return termination_list(out.terminations);
}

bool parser::termination_list(list<termination_id>& out) {
  if (!in_.take('[')) return in_.termination(add(out));
  do {
    if (!in_.termination(add(out))) return false;
  } while (comma());
  return in_.punctuation(']', "',' or ']'");
}

// { tid, ... } or { Error... } behind AuditValue=Context.
bool parser::context_form(command& out) {
  if (!in_.open()) return false;
  const std::string_view word = in_.word();
  if (is_token(word, token::error) && in_.next_is('=')) {
    return error_body(add_as<error_descriptor>(out.descriptors)) && in_.close();
  }
  in_.back_to(word);
  do {
    if (!in_.termination(add(out.terminations))) return false;
  } while (comma());
  return in_.close();
}

bool parser::command_body(command& out, bool reply) {
  unsigned seen = 0;
  do {
    const std::string_view word = in_.word();
    const token kind = find_token(word);
    if (!is_descriptor(kind)) {
      in_.back_to(word);
      return in_.fail(word.empty() ? in_.level : error_code::unknown_descriptor, "a descriptor");
    }
    if (!legal(kind, out.kind, reply)) {
      in_.back_to(word);
      return in_.fail(error_code::descriptor_not_legal, "a descriptor that is legal in this command");
    }
    const unsigned bit = 1u << index_of(kind);
    if ((seen & bit) != 0 && (!reply || once_in_reply(kind, out.kind))) {
      in_.back_to(word);
      return in_.fail(error_code::descriptor_twice, "each descriptor once");
    }
    seen |= bit;
    if (seen == bit && out.kind == command_kind::notify && !reply && kind != token::observed_events) {
      in_.deviate(deviation::notify, in_.last_word());
    }
    if (!descriptor_item(out, kind, reply)) return false;
  } while (comma());
  return true;
}

bool parser::descriptor_item(command& out, token kind, bool reply) {
  auto& to = out.descriptors;
  in_.skip();
  const char next = in_.peek();
  // A bare name in a reply is an empty descriptor.
  if (reply && next != '{' && next != '=' && next != '[') {
    switch (kind) {
      case token::mux: add(to, audit_token::mux); return true;
      case token::modem: add(to, audit_token::modem); return true;
      case token::media: add(to, audit_token::media); return true;
      case token::digit_map: add(to, audit_token::digit_map); return true;
      case token::statistics: add(to, audit_token::statistics); return true;
      case token::observed_events: add(to, audit_token::observed_events); return true;
      case token::packages: add(to, audit_token::packages); return true;
      default: break;
    }
  }
  switch (kind) {
    case token::media: return media(add_as<media_descriptor>(to));
    case token::events: return events(add_as<events_descriptor>(to), false);
    case token::signals: return signals(add_as<signals_descriptor>(to));
    case token::audit: return audit(add_as<audit_descriptor>(to), out.kind == command_kind::audit_capability);
    case token::observed_events: return observed(add_as<observed_events_descriptor>(to));
    case token::statistics: return statistics(add_as<statistics_descriptor>(to));
    case token::error: return error_body(add_as<error_descriptor>(to));
    case token::services: return services(add_as<services_descriptor>(to), reply);
    case token::packages: return packages(add_as<packages_descriptor>(to));
    case token::event_buffer: return event_buffer(add_as<event_buffer_descriptor>(to));
    case token::digit_map: return digit_map(add_as<digit_map_descriptor>(to));
    case token::mux: return mux(add_as<mux_descriptor>(to));
    default: return modem(add_as<modem_descriptor>(to));
  }
}

bool parser::error_body(error_descriptor& out) {
  std::uint32_t code = 0;
  if (!in_.equals() || !in_.number(code, 9999, "an error code") || !in_.open()) return false;
  out.code = static_cast<error_code>(code);
  if (in_.peek() == '"' && !in_.quoted(out.text)) return false;
  return in_.close();
}

bool parser::package_item(package_version& out) {
  if (!in_.name(out.name, "a package name")) return false;
  if (!in_.take_glued('-')) return in_.fail("'-' and the version of the package");
  return in_.uint16(out.version, "the version of the package");
}

bool parser::packages(packages_descriptor& out) {
  if (!in_.open()) return false;
  do {
    if (!package_item(add(out.packages))) return false;
  } while (comma());
  return in_.close();
}

}  // namespace agw::h248::text
