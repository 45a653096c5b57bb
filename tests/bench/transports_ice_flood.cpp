// What does a flood of STUN requests that are no valid checks cost a shard, with the answers that it gets? A valid check to compare.
#include <stun/stunagent.h>

#include <benchmark/benchmark.h>
#include <boost/asio/io_context.hpp>

#include "agw/transports/ice_agent.hpp"
#include "agw/transports/udp.hpp"

using namespace agw;

namespace {

const ice::credentials own{"abcdefgh", "0123456789abcdefghijklmn"};

enum class kind { valid, wrong_user, wrong_password, not_signed, garbage };

std::vector<std::byte> request(kind k) {
  if (k == kind::garbage) return std::vector<std::byte>(100, std::byte{0});
  unsigned flags = STUN_AGENT_USAGE_USE_FINGERPRINT;
  if (k != kind::not_signed) flags |= STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS;
  StunAgent agent{};
  stun_agent_init(&agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389, static_cast<StunAgentUsageFlags>(flags));
  std::vector<std::uint8_t> out(500);
  StunMessage m{};
  stun_agent_init_request(&agent, &m, out.data(), out.size(), STUN_BINDING);
  stun_message_append32(&m, STUN_ATTRIBUTE_PRIORITY, 1);
  stun_message_append64(&m, STUN_ATTRIBUTE_ICE_CONTROLLING, 1);
  const std::string username = (k == kind::wrong_user ? "zzzzzzzz" : own.ufrag) + ":peer";
  stun_message_append_bytes(&m, STUN_ATTRIBUTE_USERNAME, username.data(), username.size());
  const std::string password = k == kind::wrong_password ? "not-the-password-at-all-xx" : own.pwd;
  const auto* key = k == kind::not_signed ? nullptr : reinterpret_cast<const std::uint8_t*>(password.data());
  out.resize(stun_agent_finish_message(&agent, &m, key, key ? password.size() : 0));
  const auto* begin = reinterpret_cast<const std::byte*>(out.data());
  return std::vector<std::byte>(begin, begin + out.size());
}

void flood(benchmark::State& state, kind k) {
  asio::io_context context(1);
  port_pool ports(0, 0);
  const auto loopback = asio::ip::address_v4::loopback();
  auto gateway = *udp::socket::open(context.get_executor(), loopback, ports);
  auto peer = *udp::socket::open(context.get_executor(), loopback, ports);
  ice::lite_agent agent(own);
  auto datagram = request(k);
  std::size_t answers = 0;
  for (auto _ : state) {
    if (agent.on_datagram(datagram, peer.local(), clock::now()) != ice::verdict::answer) continue;
    gateway.send(agent.answer(), peer.local());
    ++answers;
  }
  state.counters["answers"] = static_cast<double>(answers);
}

BENCHMARK_CAPTURE(flood, valid_check, kind::valid);
BENCHMARK_CAPTURE(flood, wrong_user, kind::wrong_user);
BENCHMARK_CAPTURE(flood, wrong_password, kind::wrong_password);
BENCHMARK_CAPTURE(flood, not_signed, kind::not_signed);
BENCHMARK_CAPTURE(flood, garbage, kind::garbage);

}  // namespace

BENCHMARK_MAIN();
