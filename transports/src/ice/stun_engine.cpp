#include "ice/stun_engine.hpp"

#include <cstring>

namespace agw::ice {

namespace {

constexpr std::size_t header_bytes = 20;
// Far beyond the size of any check; longer datagrams are not parsed.
constexpr std::size_t max_stun_bytes = 1500;
constexpr std::size_t max_username_bytes = 513;  // RFC 8489, 14.3 is stricter, RFC 5389 said 513
constexpr std::uint32_t magic_cookie = 0x2112A442;

std::uint16_t read16(bytes_view b, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(b[at]) << 8 | std::to_integer<unsigned>(b[at + 1]));
}
std::uint32_t read32(bytes_view b, std::size_t at) noexcept { return std::uint32_t{read16(b, at)} << 16 | read16(b, at + 2); }

bool length_allowed(std::uint16_t type, std::size_t length) noexcept {
  switch (type) {
    case STUN_ATTRIBUTE_MESSAGE_INTEGRITY: return length == 20;
    case STUN_ATTRIBUTE_FINGERPRINT: return length == 4;
    case STUN_ATTRIBUTE_PRIORITY: return length == 4;
    case STUN_ATTRIBUTE_USE_CANDIDATE: return length == 0;
    case STUN_ATTRIBUTE_ICE_CONTROLLED:
    case STUN_ATTRIBUTE_ICE_CONTROLLING: return length == 8;
    case STUN_ATTRIBUTE_USERNAME: return length > 0 && length <= max_username_bytes;
    default: return true;
  }
}

// RFC 8489, 5 and 14. libnice checks part of this again; it trusts the lengths of single attributes, this does not.
bool well_formed(bytes_view d) noexcept {
  if (d.size() < header_bytes || d.size() > max_stun_bytes || (std::to_integer<unsigned>(d[0]) & 0xC0) != 0) return false;
  if (read32(d, 4) != magic_cookie || read16(d, 2) % 4 != 0 || read16(d, 2) + header_bytes != d.size()) return false;
  bool fingerprint_seen = false;
  for (std::size_t at = header_bytes; at < d.size();) {
    if (fingerprint_seen || d.size() - at < 4) return false;  // FINGERPRINT is the last one
    const auto type = read16(d, at);
    const std::size_t length = read16(d, at + 2);
    const auto padded = (length + 3) & ~std::size_t{3};
    if (d.size() - at - 4 < padded || !length_allowed(type, length)) return false;
    fingerprint_seen = type == STUN_ATTRIBUTE_FINGERPRINT;
    at += 4 + padded;
  }
  return true;
}

// The attributes of a check that have to be understood; anything else below 0x8000 is answered by 420.
constexpr std::uint16_t understood[] = {STUN_ATTRIBUTE_USERNAME, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, STUN_ATTRIBUTE_PRIORITY,
                                        STUN_ATTRIBUTE_USE_CANDIDATE, 0};

struct judge {
  const std::function<bool(std::string_view)>* accepts;
  const std::string* password;
  bool username_accepted = false;
};

bool validate(StunAgent*, StunMessage*, std::uint8_t* username, std::uint16_t username_bytes, std::uint8_t** password,
              std::size_t* password_bytes, void* user_data) {
  auto& j = *static_cast<judge*>(user_data);
  j.username_accepted = (*j.accepts)(std::string_view(reinterpret_cast<const char*>(username), username_bytes));
  if (!j.username_accepted) return false;
  *password = reinterpret_cast<std::uint8_t*>(const_cast<char*>(j.password->data()));  // read only
  *password_bytes = j.password->size();
  return true;
}

}  // namespace

stun_engine& stun_engine::of_this_thread() {
  thread_local stun_engine engine;
  return engine;
}

stun_engine::stun_engine() {
  const auto flags =
      STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT | STUN_AGENT_USAGE_NO_INDICATION_AUTH;
  stun_agent_init(&agent_, understood, STUN_COMPATIBILITY_RFC5389, static_cast<StunAgentUsageFlags>(flags));
}

stun_reading stun_engine::read(bytes_view datagram, const udp::endpoint& source,
                               const std::function<bool(std::string_view)>& accepts, const std::string& password) {
  stun_reading out;
  if (!well_formed(datagram)) return out;
  judge j{&accepts, &password};
  StunMessage request{};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(datagram.data());
  const auto status = stun_agent_validate(&agent_, &request, bytes, datagram.size(), &validate, &j);
  const auto answer_unproven = [&](StunError code) {
    const auto answer = error(request, code);
    if (answer.size() <= datagram.size()) out.answer = answer;
  };
  switch (status) {
    case STUN_VALIDATION_NOT_STUN:
    case STUN_VALIDATION_INCOMPLETE_STUN:
    case STUN_VALIDATION_BAD_REQUEST: return out;  // among others no or a wrong FINGERPRINT
    case STUN_VALIDATION_UNMATCHED_RESPONSE: out.kind = stun_kind::response; return out;
    default: break;
  }
  const auto kind = stun_message_get_class(&request);
  if (kind == STUN_RESPONSE || kind == STUN_ERROR) {
    out.kind = stun_kind::response;
    return out;
  }
  if (stun_message_get_method(&request) != STUN_BINDING) {
    out.kind = stun_kind::wrong_method;
    return out;
  }
  if (kind == STUN_INDICATION) {
    out.kind = stun_kind::indication;
    return out;
  }
  switch (status) {
    case STUN_VALIDATION_SUCCESS: break;
    case STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST:
      out.kind = stun_kind::no_credentials;
      answer_unproven(STUN_ERROR_BAD_REQUEST);
      return out;
    case STUN_VALIDATION_UNAUTHORIZED:
      out.kind = j.username_accepted ? stun_kind::wrong_integrity : stun_kind::wrong_username;
      answer_unproven(STUN_ERROR_UNAUTHORIZED);
      return out;
    case STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE: {
      out.kind = stun_kind::unknown_attribute;
      StunMessage answer{};
      const auto size = stun_agent_build_unknown_attributes_error(&agent_, &answer, answer_.data(), answer_.size(), &request);
      out.answer = bytes_view(reinterpret_cast<const std::byte*>(answer_.data()), size);
      return out;
    }
    default: return out;
  }
  // An agent without a role attribute is taken for a controlling one (RFC 8445, 7.3.1.1).
  if (stun_message_has_attribute(&request, STUN_ATTRIBUTE_ICE_CONTROLLED)) {
    out.kind = stun_kind::role_conflict;
    out.answer = error(request, STUN_ERROR_ROLE_CONFLICT);
    return out;
  }
  out.kind = stun_kind::check;
  stun_message_find32(&request, STUN_ATTRIBUTE_PRIORITY, &out.priority);
  out.use_candidate = stun_message_has_attribute(&request, STUN_ATTRIBUTE_USE_CANDIDATE);
  out.answer = success(request, source);
  return out;
}

bytes_view stun_engine::success(const StunMessage& request, const udp::endpoint& source) {
  StunMessage answer{};
  if (!stun_agent_init_response(&agent_, &answer, answer_.data(), answer_.size(), &request)) return {};
  sockaddr_storage address{};
  std::memcpy(&address, source.data(), source.size());
  const auto appended =
      stun_message_append_xor_addr(&answer, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &address, static_cast<socklen_t>(source.size()));
  if (appended != STUN_MESSAGE_RETURN_SUCCESS) return {};
  const auto size = stun_agent_finish_message(&agent_, &answer, nullptr, 0);  // the key is the request's
  return {reinterpret_cast<const std::byte*>(answer_.data()), size};
}

bytes_view stun_engine::error(const StunMessage& request, StunError code) {
  StunMessage answer{};
  if (!stun_agent_init_error(&agent_, &answer, answer_.data(), answer_.size(), &request, code)) return {};
  const auto size = stun_agent_finish_message(&agent_, &answer, nullptr, 0);
  return {reinterpret_cast<const std::byte*>(answer_.data()), size};
}

}  // namespace agw::ice
