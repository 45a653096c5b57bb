// What we refuse: counted by its code, and a line of the log, unless there are too many of one code.
#include <agw/core/log.hpp>

#include "endpoint_impl.hpp"

namespace agw::h248 {

namespace {

std::string_view name_of(command_kind kind) noexcept {
  switch (kind) {
    case command_kind::add: return "Add";
    case command_kind::move: return "Move";
    case command_kind::modify: return "Modify";
    case command_kind::subtract: return "Subtract";
    case command_kind::audit_value: return "AuditValue";
    case command_kind::audit_capability: return "AuditCapability";
    case command_kind::notify: return "Notify";
    case command_kind::service_change: return "ServiceChange";
  }
  return "?";
}

std::string name_of(context_id id) {
  if (id.is_choose()) return "$";
  if (id.is_all()) return "*";
  return id.is_null() ? "-" : std::to_string(id.value);
}

}  // namespace

void endpoint::impl::tell_refused(const peer_address& to, std::string_view what, const error_descriptor& error) {
  counts.refused(error.code);
  const auto left_out = refused_lines.take(static_cast<std::uint16_t>(error.code), clock::now());
  if (!left_out) return;
  const auto more = *left_out > 0 ? " (" + std::to_string(*left_out) + " more with this code before)" : std::string();
  log::info("h248: refused {} of {}: {} \"{}\"{}", what, to_text(to), static_cast<unsigned>(error.code), log::printable(error.text), more);
}

void endpoint::impl::tell_refused(const peer_address& to, const transaction_request& request, const transaction_reply& reply) {
  const auto id = "transaction " + std::to_string(request.id.value);
  for (const auto& a : reply.actions) {
    const auto where = id + " context " + name_of(a.context);
    for (const auto& c : a.commands) {
      const auto* error = c.error();
      if (error == nullptr) continue;
      const auto of = c.terminations.empty() ? std::string() : " " + log::printable(c.termination().name, 64);
      tell_refused(to, std::string(name_of(c.kind)) + of + " in " + where, *error);
    }
    if (a.error) tell_refused(to, "the action in " + where, *a.error);
  }
  if (reply.error) tell_refused(to, id + " (" + std::string(command_word(request.actions)) + ")", *reply.error);
}

}  // namespace agw::h248
