// A peer's side of ICE for tests: composes connectivity checks by libnice's STUN library, and reads what comes back.
#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <stun/stunagent.h>

#include "agw/transports/ice_agent.hpp"

namespace agw::test {

/// What a check says. Defaults: a valid one of a controlling peer.
struct check {
  std::string username;
  std::string password;
  std::uint32_t priority = 0x6E0000FF;
  bool nominate = false;
  bool controlled = false;
  bool with_integrity = true;
  bool with_fingerprint = true;
  StunClass kind = STUN_REQUEST;
  StunMethod method = STUN_BINDING;
  std::vector<std::uint16_t> extra;  ///< further attributes, four bytes each
};

class ice_client {
 public:
  ice_client(ice::credentials own, ice::credentials gateway) : own_(std::move(own)), gateway_(std::move(gateway)) {}

  check valid_check(bool nominate = false) const {
    check c;
    c.username = gateway_.ufrag + ':' + own_.ufrag;
    c.password = gateway_.pwd;
    c.nominate = nominate;
    return c;
  }

  std::vector<std::byte> compose(const check& c) {
    unsigned flags = 0;
    if (c.with_integrity) flags |= STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS;
    if (c.with_fingerprint) flags |= STUN_AGENT_USAGE_USE_FINGERPRINT;
    stun_agent_init(&agent_, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389, static_cast<StunAgentUsageFlags>(flags));
    std::vector<std::uint8_t> buffer(1500);
    StunMessage m{};
    if (c.kind == STUN_REQUEST) {
      stun_agent_init_request(&agent_, &m, buffer.data(), buffer.size(), c.method);
    } else {
      stun_agent_init_indication(&agent_, &m, buffer.data(), buffer.size(), c.method);
    }
    for (const auto type : c.extra) stun_message_append32(&m, static_cast<StunAttribute>(type), 0);
    if (c.priority != 0) stun_message_append32(&m, STUN_ATTRIBUTE_PRIORITY, c.priority);
    stun_message_append64(&m, c.controlled ? STUN_ATTRIBUTE_ICE_CONTROLLED : STUN_ATTRIBUTE_ICE_CONTROLLING, 0x1122334455667788);
    if (c.nominate) stun_message_append_flag(&m, STUN_ATTRIBUTE_USE_CANDIDATE);
    if (!c.username.empty()) stun_message_append_bytes(&m, STUN_ATTRIBUTE_USERNAME, c.username.data(), c.username.size());
    key_ = c.password;  // the agent keeps a pointer to it, for the answer
    const auto* key = c.with_integrity ? reinterpret_cast<const std::uint8_t*>(key_.data()) : nullptr;
    const auto size = stun_agent_finish_message(&agent_, &m, key, c.with_integrity ? key_.size() : 0);
    const auto* begin = reinterpret_cast<const std::byte*>(buffer.data());
    return std::vector<std::byte>(begin, begin + size);
  }

  /// What an answer to the last composed message is: 0 for a valid success, the error code, or -1 for anything else.
  int read_answer(bytes_view answer, udp::endpoint* mapped = nullptr) {
    const auto give_key = [](StunAgent*, StunMessage*, std::uint8_t*, std::uint16_t, std::uint8_t** password, std::size_t* bytes,
                             void* data) {
      auto& pwd = *static_cast<std::string*>(data);
      *password = reinterpret_cast<std::uint8_t*>(pwd.data());
      *bytes = pwd.size();
      return true;
    };
    StunMessage m{};
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(answer.data());
    const auto status = stun_agent_validate(&agent_, &m, bytes, answer.size(), give_key, &gateway_.pwd);
    int code = -1;
    const auto kind = stun_message_get_class(&m);
    if (kind == STUN_ERROR && stun_message_find_error(&m, &code) == STUN_MESSAGE_RETURN_SUCCESS) return code;
    if (status != STUN_VALIDATION_SUCCESS || kind != STUN_RESPONSE) return -1;
    if (!stun_message_has_attribute(&m, STUN_ATTRIBUTE_MESSAGE_INTEGRITY)) return -1;
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    const auto found = stun_message_find_xor_addr(&m, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &storage, &size);
    if (found != STUN_MESSAGE_RETURN_SUCCESS) return -1;
    if (mapped != nullptr) {
      std::memcpy(mapped->data(), &storage, storage.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
    }
    return 0;
  }

  const ice::credentials& own() const noexcept { return own_; }

 private:
  ice::credentials own_;
  ice::credentials gateway_;
  std::string key_;
  StunAgent agent_{};
};

/// A datagram that looks like DTLS, with a number in it.
inline std::vector<std::byte> dtls_like(unsigned number = 0, std::size_t size = 20) {
  std::vector<std::byte> out(size, std::byte{0});
  out[0] = std::byte{22};
  out[1] = static_cast<std::byte>(number);
  return out;
}

/// The same with a record header.
inline std::vector<std::byte> record_like(unsigned number = 0) {
  auto out = dtls_like();
  out[1] = std::byte{0xFE};
  out[2] = std::byte{0xFD};
  out[3] = static_cast<std::byte>(number);
  return out;
}

}  // namespace agw::test
