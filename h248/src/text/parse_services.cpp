// The Services descriptor of a ServiceChange and of its reply.
#include "text/parser.hpp"

namespace agw::h248::text {

bool parser::services(services_descriptor& out, bool reply) {
  const std::size_t where = in_.offset();
  if (!in_.open()) return false;
  audit_scope scope(memory_);
  do {
    if (!services_part(out, reply, scope)) return false;
  } while (comma());
  if (out.address && out.mgc_to_try) return in_.fail("ServiceChangeAddress or MgcIdToTry, not both");
  if (!reply && !out.method) return in_.fail("Method");
  if (!reply && !out.reason) in_.deviate(deviation::reason, where);
  return in_.close();
}

bool parser::services_part(services_descriptor& out, bool reply, audit_scope& scope) {
  if (is(in_.peek(), digit)) return out.time ? in_.fail("one TimeStamp") : in_.time(out.time.emplace());
  const std::string_view word = in_.word();
  const token kind = find_token(word);
  switch (kind) {
    case token::service_change_address:
      return once(out.address.has_value(), in_.level, "one ServiceChangeAddress") && address(out);
    case token::mgc_id_to_try:
      if (!once(out.mgc_to_try.has_value(), in_.level, "one MgcIdToTry") || !in_.equals()) return false;
      return in_.message_id(out.mgc_to_try.emplace());
    case token::profile: return once(out.profile.has_value(), in_.level, "one Profile") && profile(out);
    case token::version: {
      if (!once(out.version.has_value(), in_.level, "one Version") || !in_.equals()) return false;
      return version(out.version.emplace());
    }
    default: break;
  }
  if (reply) {
    in_.back_to(word);
    return in_.fail("ServiceChangeAddress, MgcIdToTry, Profile, Version or a time");
  }
  switch (kind) {
    case token::method: return once(out.method.has_value(), in_.level, "one Method") && method(out);
    case token::reason: {
      if (!once(out.reason.has_value(), in_.level, "one Reason") || !in_.equals()) return false;
      const std::size_t where = in_.offset();
      if (!in_.one_value(out.reason.emplace())) return false;
      return !out.reason->text.empty() || in_.fail(error_code::unknown_value, "a reason that is not empty", where);
    }
    case token::delay: {
      if (!once(out.delay.has_value(), in_.level, "one Delay") || !in_.equals()) return false;
      return in_.number(out.delay.emplace(), 0xFFFFFFFFu, "a delay in seconds");
    }
    case token::service_change_inc:
      if (!once(out.incomplete, in_.level, "one ServiceChangeInc")) return false;
      out.incomplete = true;
      return true;
    case token::none: {
      std::string_view name;
      return in_.extension_after(word, name) && values(add(out.extensions, parameter{name}).values);
    }
    default: break;
  }
  if (audit_entry(out.audits, kind, scope)) return true;
  if (!in_.error()) in_.back_to(word);
  return in_.fail("a ServiceChange parameter");
}

bool parser::version(std::uint8_t& out) {
  const std::size_t where = in_.offset();
  std::uint32_t number = 0;
  if (!in_.number(number, 99, "a version of one or two digits")) return false;
  if (in_.offset() - where > 2) return in_.fail(in_.level, "a version of one or two digits", where);
  out = static_cast<std::uint8_t>(number);
  return true;
}

bool parser::method(services_descriptor& out) {
  if (!in_.equals()) return false;
  const std::string_view word = in_.word();
  switch (find_token(word)) {
    case token::failover: out.method = change_method::failover; return true;
    case token::forced: out.method = change_method::forced; return true;
    case token::graceful: out.method = change_method::graceful; return true;
    case token::restart: out.method = change_method::restart; return true;
    case token::disconnected: out.method = change_method::disconnected; return true;
    case token::hand_off: out.method = change_method::hand_off; return true;
    default: out.method = change_method::extension; return in_.extension_after(word, out.method_extension);
  }
}

bool parser::profile(services_descriptor& out) {
  profile_name& named = out.profile.emplace();
  if (!in_.equals() || !in_.name(named.name, "a profile name")) return false;
  if (!in_.take_glued('/')) return in_.fail("'/' and the version of the profile");
  return version(named.version);
}

// A whole message id, or a port alone. A device name that begins with a digit is told from a port by what is behind its digits.
bool parser::address(services_descriptor& out) {
  if (!in_.equals()) return false;
  const char* behind = text_.data() + in_.offset();  // a NUL ends the text
  while (is(*behind, digit)) ++behind;
  if (is(in_.peek(), digit) && !is(*behind, path_part | dash_dot) && *behind != '@') {
    std::uint16_t port_number = 0;
    if (!in_.uint16(port_number, "a port")) return false;
    out.address.emplace(port_number);
    return true;
  }
  mid to;
  if (!in_.message_id(to)) return false;
  out.address.emplace(to);
  return true;
}

}  // namespace agw::h248::text
