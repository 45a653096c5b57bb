// Datagrams for the ICE-lite agent: as they are, or as the attributes of a check that is signed here, so that the fuzzer gets
// behind the message integrity. The first byte chooses the source and which of the two.
#include <cstdlib>

#include <stun/stunagent.h>
#include <boost/asio/ip/address.hpp>

#include "agw/transports/ice_agent.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const agw::ice::credentials own{"abcdefgh", "0123456789abcdefghijklmn"};
  static const std::string username = own.ufrag + ":peer";
  static agw::ice::lite_agent agent(own);
  const agw::udp::endpoint source(boost::asio::ip::address_v4(0xC0000200 + (data[0] & 0x3F)), 1000);
  std::vector<std::uint8_t> datagram(data + 1, data + size);
  if ((data[0] & 0x80) != 0) {
    static StunAgent stun;
    stun_agent_init(&stun, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                    static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT));
    const auto attributes = std::exchange(datagram, std::vector<std::uint8_t>(2000));
    StunMessage m{};
    stun_agent_init_request(&stun, &m, datagram.data(), datagram.size(), STUN_BINDING);
    for (std::size_t at = 0; at + 3 <= attributes.size();) {
      const auto type = static_cast<StunAttribute>(attributes[at] << 8 | attributes[at + 1]);
      const auto length = std::min<std::size_t>(attributes[at + 2], attributes.size() - at - 3);
      stun_message_append_bytes(&m, type, attributes.data() + at + 3, length);
      at += 3 + length;
    }
    stun_message_append_bytes(&m, STUN_ATTRIBUTE_USERNAME, username.data(), username.size());
    datagram.resize(stun_agent_finish_message(&stun, &m, reinterpret_cast<const std::uint8_t*>(own.pwd.data()), own.pwd.size()));
  }
  const auto verdict = agent.on_datagram(std::as_writable_bytes(std::span(datagram)), source, agw::clock::now());
  if (verdict == agw::ice::verdict::answer && (agent.answer().size() < 20 || agent.answer().size() > 1024)) std::abort();
  if (agent.selected() && !agent.verified(*agent.selected())) std::abort();
  return 0;
}
