#include "stun_messages.hpp"

#include <algorithm>
#include <cstring>

namespace agw::load {

namespace {

const std::uint8_t* octets(bytes_view b) noexcept { return reinterpret_cast<const std::uint8_t*>(b.data()); }

// libnice reads through this pointer, and does not write.
std::uint8_t* key_of(const std::string& password) noexcept { return reinterpret_cast<std::uint8_t*>(const_cast<char*>(password.data())); }

bool give_password(StunAgent*, StunMessage*, std::uint8_t* username, std::uint16_t bytes, std::uint8_t** password, std::size_t* password_bytes,
                   void* user_data) {
  const auto& own = *static_cast<const ice::credentials*>(user_data);
  const std::string_view name(reinterpret_cast<const char*>(username), bytes);
  if (!name.starts_with(own.ufrag + ':')) return false;
  *password = key_of(own.pwd);
  *password_bytes = own.pwd.size();
  return true;
}

bool no_password(StunAgent*, StunMessage*, std::uint8_t*, std::uint16_t, std::uint8_t**, std::size_t*, void*) { return false; }

}  // namespace

stun_messages& stun_messages::of_this_thread() {
  thread_local stun_messages one;
  return one;
}

stun_messages::stun_messages() {
  const auto flags = STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT | STUN_AGENT_USAGE_NO_INDICATION_AUTH;
  stun_agent_init(&agent_, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389, static_cast<StunAgentUsageFlags>(flags));
}

std::vector<std::byte> stun_messages::compose(const stun_check& check, transaction_id& id) {
  StunMessage m{};
  stun_agent_init_request(&agent_, &m, buffer_.data(), buffer_.size(), STUN_BINDING);
  stun_message_append32(&m, STUN_ATTRIBUTE_PRIORITY, check.priority);
  stun_message_append64(&m, STUN_ATTRIBUTE_ICE_CONTROLLING, check.tie_breaker);
  stun_message_append_flag(&m, STUN_ATTRIBUTE_USE_CANDIDATE);
  stun_message_append_bytes(&m, STUN_ATTRIBUTE_USERNAME, check.username.data(), check.username.size());
  const auto size = stun_agent_finish_message(&agent_, &m, key_of(check.password), check.password.size());
  StunTransactionId made;
  stun_message_id(&m, made);
  std::copy(std::begin(made), std::end(made), id.begin());
  stun_agent_forget_transaction(&agent_, made);
  const auto* begin = reinterpret_cast<const std::byte*>(buffer_.data());
  return {begin, begin + size};
}

stun_answer stun_messages::read_answer(bytes_view datagram, const transaction_id& id, const std::string& password) {
  // As if the agent had kept the request.
  auto& saved = agent_.sent_ids[0];
  std::copy(id.begin(), id.end(), std::begin(saved.id));
  saved.method = STUN_BINDING;
  saved.key = key_of(password);
  saved.key_len = password.size();
  saved.long_term_valid = false;
  saved.valid = true;
  StunMessage m{};
  const auto status = stun_agent_validate(&agent_, &m, octets(datagram), datagram.size(), &no_password, nullptr);
  saved.valid = false;
  if (status != STUN_VALIDATION_SUCCESS) return stun_answer::none;
  switch (stun_message_get_class(&m)) {
    case STUN_RESPONSE: return stun_answer::success;
    case STUN_ERROR: return stun_answer::refused;
    default: return stun_answer::none;
  }
}

bytes_view stun_messages::answer(bytes_view datagram, const udp::endpoint& source, const ice::credentials& own) {
  StunMessage request{};
  ice::credentials expected = own;
  const auto status = stun_agent_validate(&agent_, &request, octets(datagram), datagram.size(), &give_password, &expected);
  if (status != STUN_VALIDATION_SUCCESS || stun_message_get_class(&request) != STUN_REQUEST) return {};
  StunMessage answer{};
  if (!stun_agent_init_response(&agent_, &answer, buffer_.data(), buffer_.size(), &request)) return {};
  sockaddr_storage address{};
  std::memcpy(&address, source.data(), source.size());
  if (stun_message_append_xor_addr(&answer, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &address, static_cast<socklen_t>(source.size())) !=
      STUN_MESSAGE_RETURN_SUCCESS) {
    return {};
  }
  const auto size = stun_agent_finish_message(&agent_, &answer, nullptr, 0);  // the key is the request's
  return {reinterpret_cast<const std::byte*>(buffer_.data()), size};
}

}  // namespace agw::load
