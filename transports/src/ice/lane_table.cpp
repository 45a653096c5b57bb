#include "ice/lane_table.hpp"

#include <stun/stunmessage.h>

namespace agw::ice {

std::string_view ufrag_of(bytes_view datagram) noexcept {
  constexpr std::size_t max_stun_bytes = 1500;  // as the agents read
  if (datagram.empty() || datagram.size() > max_stun_bytes || std::to_integer<unsigned>(datagram[0]) > 3) return {};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(datagram.data());
  if (stun_message_validate_buffer_length(bytes, datagram.size(), true) != static_cast<int>(datagram.size())) return {};
  StunMessage message{};
  message.buffer = const_cast<std::uint8_t*>(bytes);  // it is only read
  message.buffer_len = datagram.size();
  if (stun_message_get_class(&message) != STUN_REQUEST) return {};
  std::uint16_t size = 0;
  const auto* found = static_cast<const char*>(stun_message_find(&message, STUN_ATTRIBUTE_USERNAME, &size));
  if (!found) return {};
  const std::string_view username(found, size);
  const auto colon = username.find(':');
  return colon == std::string_view::npos ? std::string_view() : username.substr(0, colon);
}

bool lane_table::name(std::string_view ufrag, lane& of) { return names_.try_emplace(std::string(ufrag), &of).first->second == &of; }

void lane_table::forget_name(std::string_view ufrag, const lane& of) {
  const auto found = names_.find(ufrag);
  if (found != names_.end() && found->second == &of) names_.erase(found);
}

bool lane_table::claim(const udp::endpoint& source, lane& of) { return sources_.try_emplace(source, &of).first->second == &of; }

void lane_table::let_go(const udp::endpoint& source, const lane& of) {
  const auto found = sources_.find(source);
  if (found != sources_.end() && found->second == &of) sources_.erase(found);
}

lane* lane_table::find(bytes_view datagram, const udp::endpoint& source, bool& named) const {
  const auto ufrag = ufrag_of(datagram);
  named = !ufrag.empty();
  if (named) {
    const auto found = names_.find(ufrag);
    return found == names_.end() ? nullptr : found->second;
  }
  const auto found = sources_.find(source);
  return found == sources_.end() ? nullptr : found->second;
}

}  // namespace agw::ice
