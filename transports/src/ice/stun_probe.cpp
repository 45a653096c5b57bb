#include "ice/stun_probe.hpp"

#include <random>

namespace agw::ice {

stun_probe::stun_probe(const credentials& local, const credentials& remote, bool controlling)
    : username_(remote.ufrag + ':' + local.ufrag), password_(remote.pwd), controlling_(controlling) {
  std::random_device random;
  tie_breaker_ = std::uint64_t{random()} << 32 | random();
  const auto flags = STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT;
  stun_agent_init(&agent_, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389, static_cast<StunAgentUsageFlags>(flags));
}

bytes_view stun_probe::compose() {
  StunMessage m{};
  if (!stun_agent_init_request(&agent_, &m, request_.data(), request_.size(), STUN_BINDING)) return {};
  bool good = true;
  const auto add = [&good](StunMessageReturn done) { good = good && done == STUN_MESSAGE_RETURN_SUCCESS; };
  add(stun_message_append32(&m, STUN_ATTRIBUTE_PRIORITY, candidate_priority(candidate_type::peer_reflexive, 65535)));
  add(stun_message_append64(&m, controlling_ ? STUN_ATTRIBUTE_ICE_CONTROLLING : STUN_ATTRIBUTE_ICE_CONTROLLED, tie_breaker_));
  add(stun_message_append_bytes(&m, STUN_ATTRIBUTE_USERNAME, username_.data(), username_.size()));
  if (!good) return {};
  const auto* key = reinterpret_cast<const std::uint8_t*>(password_.data());
  const auto size = stun_agent_finish_message(&agent_, &m, key, password_.size());
  return bytes_view(reinterpret_cast<const std::byte*>(request_.data()), size);
}

}  // namespace agw::ice
