#include "ice/stun_engine.hpp"

#include <cstring>
#include <optional>

#include <boost/crc.hpp>

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

constexpr std::uint16_t binding_request = 0x0001;
constexpr std::uint16_t message_integrity_sha256 = 0x001C;
constexpr std::uint32_t fingerprint_mask = 0x5354554E;

void append16(std::vector<std::byte>& to, std::uint32_t value) {
  to.push_back(static_cast<std::byte>(value >> 8 & 0xFF));
  to.push_back(static_cast<std::byte>(value & 0xFF));
}
void append32(std::vector<std::byte>& to, std::uint32_t value) {
  append16(to, value >> 16);
  append16(to, value & 0xFFFF);
}

std::uint32_t fingerprint_of(bytes_view message) noexcept {
  boost::crc_32_type crc;
  crc.process_bytes(message.data(), message.size());
  return crc.checksum() ^ fingerprint_mask;
}

/// Where the parts of a message stand that are looked at before libnice sees it.
struct stun_outline {
  std::string_view username;      // of a request that has one
  std::size_t integrity_end = 0;  // behind MESSAGE-INTEGRITY; 0 without it
  std::size_t fingerprint = 0;    // where the attribute begins; 0 without it
  bool tail = false;              // other attributes stand behind MESSAGE-INTEGRITY
};

// RFC 8489, 5 and 14. libnice checks part of this again; it trusts the lengths of single attributes, this does not. No value: malformed.
std::optional<stun_outline> outline_of(bytes_view d) noexcept {
  if (d.size() < header_bytes || d.size() > max_stun_bytes || (std::to_integer<unsigned>(d[0]) & 0xC0) != 0) return std::nullopt;
  if (read32(d, 4) != magic_cookie || read16(d, 2) % 4 != 0 || read16(d, 2) + header_bytes != d.size()) return std::nullopt;
  stun_outline out;
  for (std::size_t at = header_bytes; at < d.size();) {
    if (out.fingerprint != 0 || d.size() - at < 4) return std::nullopt;  // FINGERPRINT is the last one
    const auto type = read16(d, at);
    const std::size_t length = read16(d, at + 2);
    const auto padded = (length + 3) & ~std::size_t{3};
    if (d.size() - at - 4 < padded) return std::nullopt;
    const bool ignored = out.integrity_end != 0 && type != STUN_ATTRIBUTE_FINGERPRINT;
    if (!ignored && !length_allowed(type, length)) return std::nullopt;
    if (ignored) {
      out.tail = true;
    } else if (type == STUN_ATTRIBUTE_USERNAME && out.username.empty()) {
      out.username = std::string_view(reinterpret_cast<const char*>(d.data()) + at + 4, length);
    } else if (type == STUN_ATTRIBUTE_FINGERPRINT) {
      out.fingerprint = at;
    }
    at += 4 + padded;
    if (type == STUN_ATTRIBUTE_MESSAGE_INTEGRITY && out.integrity_end == 0) out.integrity_end = at;
  }
  return out;
}

// The attributes of a check that have to be understood; anything else below 0x8000 is answered by 420. MESSAGE-INTEGRITY-SHA256 is not
// verified: MESSAGE-INTEGRITY, which a peer of unknown abilities has to add, covers the same.
constexpr std::uint16_t understood[] = {
    STUN_ATTRIBUTE_USERNAME,      STUN_ATTRIBUTE_MESSAGE_INTEGRITY, STUN_ATTRIBUTE_PRIORITY,
    STUN_ATTRIBUTE_USE_CANDIDATE, message_integrity_sha256,         0};

struct validation {
  const stun_judge* judge;
  bool username_accepted = false;
};

bool validate(StunAgent*, StunMessage*, std::uint8_t* username, std::uint16_t username_bytes, std::uint8_t** password,
              std::size_t* password_bytes, void* user_data) {
  auto& v = *static_cast<validation*>(user_data);
  const auto* found = v.judge->password_of(std::string_view(reinterpret_cast<const char*>(username), username_bytes));
  v.username_accepted = found != nullptr;
  if (!found) return false;
  *password = reinterpret_cast<std::uint8_t*>(const_cast<char*>(found->data()));  // read only
  *password_bytes = found->size();
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

stun_reading stun_engine::read(bytes_view datagram, const udp::endpoint& source, const stun_judge& judge) {
  const auto outline = outline_of(datagram);
  if (!outline) return {};
  // Nobody's request costs no cryptography when it is not answered.
  const bool request = read16(datagram, 0) == binding_request && outline->integrity_end != 0 && !outline->username.empty();
  if (request && judge.password_of(outline->username) == nullptr) {
    stun_reading out;
    out.kind = stun_kind::wrong_username;
    if (!judge.may_refuse()) return out;
    stun_judge allowed = judge;
    allowed.may_refuse = [] { return true; };
    return judged(datagram, datagram.size(), source, allowed);
  }
  if (!outline->tail) return judged(datagram, datagram.size(), source, judge);
  if (outline->fingerprint == 0) return {};
  const auto covered = datagram.first(outline->fingerprint);
  if (fingerprint_of(covered) != read32(datagram, outline->fingerprint + 4)) return {};
  return judged(without_tail(datagram, outline->integrity_end), datagram.size(), source, judge);
}

// The message up to MESSAGE-INTEGRITY, with a FINGERPRINT that goes with it.
bytes_view stun_engine::without_tail(bytes_view datagram, std::size_t integrity_end) {
  constexpr std::size_t fingerprint_bytes = 8;
  shortened_.assign(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(integrity_end));
  const auto length = integrity_end - header_bytes + fingerprint_bytes;
  shortened_[2] = static_cast<std::byte>(length >> 8);
  shortened_[3] = static_cast<std::byte>(length & 0xFF);
  const auto crc = fingerprint_of(shortened_);
  append16(shortened_, STUN_ATTRIBUTE_FINGERPRINT);
  append16(shortened_, 4);
  append32(shortened_, crc);
  return shortened_;
}

// `received` octets came from the source.
stun_reading stun_engine::judged(bytes_view datagram, std::size_t received, const udp::endpoint& source, const stun_judge& judge) {
  stun_reading out;
  validation v{&judge};
  StunMessage request{};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(datagram.data());
  const auto status = stun_agent_validate(&agent_, &request, bytes, datagram.size(), &validate, &v);
  const auto answer_unproven = [&](StunError code) {
    if (!judge.may_refuse()) return;
    const auto answer = error(request, code);
    if (answer.size() <= received) out.answer = answer;
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
      out.kind = v.username_accepted ? stun_kind::wrong_integrity : stun_kind::wrong_username;
      answer_unproven(STUN_ERROR_UNAUTHORIZED);
      return out;
    case STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE: {
      out.kind = stun_kind::unknown_attribute;
      if (!judge.may_refuse()) return out;
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
    if (judge.may_refuse()) out.answer = error(request, STUN_ERROR_ROLE_CONFLICT);
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
