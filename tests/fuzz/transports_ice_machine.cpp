// The lite machine driven by a script: each two octets are an event and its argument (source, or time). Then the same octets as a TCP stream.
#include <cstdlib>

#include <stun/stunagent.h>
#include <boost/asio/ip/address.hpp>

#include "../../transports/src/ice/framing.hpp"
#include "agw/transports/ice_machine.hpp"

using namespace agw;

namespace {

const ice::credentials own{"abcdefgh", "0123456789abcdefghijklmn"}, peer{"peer", "0123456789abcdefghijklmn"}, other{"other", peer.pwd};

std::vector<std::byte> check(const ice::credentials& to, const std::string& from, bool nominate) {
  static StunAgent agent;
  stun_agent_init(&agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                  static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT));
  std::vector<std::uint8_t> out(500);
  StunMessage m{};
  stun_agent_init_request(&agent, &m, out.data(), out.size(), STUN_BINDING);
  if (nominate) stun_message_append_flag(&m, STUN_ATTRIBUTE_USE_CANDIDATE);
  const std::string username = to.ufrag + ":" + from;
  stun_message_append_bytes(&m, STUN_ATTRIBUTE_USERNAME, username.data(), username.size());
  out.resize(stun_agent_finish_message(&agent, &m, reinterpret_cast<const std::uint8_t*>(to.pwd.data()), to.pwd.size()));
  const auto* begin = reinterpret_cast<const std::byte*>(out.data());
  return std::vector<std::byte>(begin, begin + out.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bool with_ice = size == 0 || (data[0] & 0x80) == 0;
  ice::lite_machine machine(with_ice ? std::optional(own) : std::nullopt, std::chrono::seconds(30));
  clock::time_point now{std::chrono::hours(1)};
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    const unsigned argument = data[i + 1];
    const ice::route from(udp::endpoint(asio::ip::address_v4(0xC0000200 + argument % 32), 1), argument / 128);
    std::vector<std::byte> datagram{std::byte{22}, std::byte{0xFE}, std::byte{0xFD}};
    datagram.resize(20);
    const auto& named = argument % 2 == 0 ? peer : other;
    ice::remote_parameters remote;
    switch (data[i] % 9) {
      case 0: now += std::chrono::milliseconds(argument * 100); machine.timeout(now); break;
      case 1: machine.receive(datagram, from, now); break;
      case 2: machine.heard(from, now); break;
      case 3: machine.gone(from); break;
      case 4: machine.latch(argument % 2 == 0); break;
      case 5: machine.latch_off(); break;
      case 6: machine.restart(ice::credentials{"abcd" + std::to_string(argument % 4), own.pwd}); break;
      case 7:
        if (argument % 3 != 0) remote.credentials = named;
        else remote.address = from.address;
        remote.latching = argument % 5 == 0;
        (void)machine.set_remote(remote, now);
        break;
      default: datagram = check(argument % 3 == 0 ? own : machine.agent().local(), named.ufrag, argument % 5 < 2); machine.receive(datagram, from, now);
    }
    const bool open = machine.state() == ice::path_state::open;
    if (open != machine.destination().has_value()) std::abort();
    if (machine.state() == ice::path_state::lost && machine.deadline()) std::abort();
    if (machine.agent().verified_addresses().size() > ice::lite_agent::max_peers) std::abort();
  }
  ice::frame_reader frames;
  datagram_batch got;
  const auto stream = std::as_bytes(std::span(data, size));
  for (std::size_t at = 0; at < size; at += 7) {
    if (!frames.feed(stream.subspan(at, std::min<std::size_t>(7, size - at)), got)) break;
  }
  if (got.bytes() > size) std::abort();
  return 0;
}
