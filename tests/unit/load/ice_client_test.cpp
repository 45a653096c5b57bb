#include "ice_client.hpp"

#include <catch2/catch.hpp>

#include "agw/transports/ice_agent.hpp"
#include "delay_line.hpp"

using namespace agw;
using namespace agw::load;
using namespace std::chrono_literals;
using verdict = ice_client::verdict;
using state = ice_client::state;

namespace {

const udp::endpoint wic(asio::ip::make_address("192.0.2.1"), 5004);
const udp::endpoint gateway(asio::ip::make_address("192.0.2.2"), 20000);

/// The gateway's lite agent, and a client that knows it.
struct pair {
  clock::time_point now{1000s};
  ice::credentials theirs = ice::make_credentials();
  ice::credentials ours = ice::make_credentials();
  ice::lite_agent agent{theirs};
  ice_client client{config(), now};

  ice_client_config config() const {
    ice_client_config out;
    out.own = ours;
    out.gateway = theirs;
    out.tie_breaker = 0x1234567890;
    return out;
  }
  /// What the gateway answers to a check.
  std::vector<std::byte> ask(bytes_view check) {
    std::vector<std::byte> copy(check.begin(), check.end());
    if (agent.on_datagram(copy, wic, now) != ice::verdict::answer) return {};
    return {agent.answer().begin(), agent.answer().end()};
  }
  std::vector<std::byte> check() {
    const auto sent = client.on_time(now);
    return {sent.begin(), sent.end()};
  }
};

}  // namespace

TEST_CASE("the first check nominates at a lite gateway, and its answer ends the checking") {
  pair p;
  p.agent.set_remote(p.ours, {});
  CHECK(p.client.due() == p.now);
  const auto check = p.check();
  REQUIRE_FALSE(check.empty());
  const auto answer = p.ask(check);
  REQUIRE_FALSE(answer.empty());
  CHECK(p.agent.selected()->address == wic);
  CHECK(p.client.on_datagram(answer, gateway, p.now) == verdict::handled);
  CHECK(p.client.now_is() == state::nominated);
}

TEST_CASE("a check without an answer is repeated as it is, ever more slowly") {
  pair p;
  const auto first = p.check();
  CHECK(p.check().empty());
  p.now += 249ms;
  CHECK(p.check().empty());
  p.now += 1ms;
  CHECK(p.check() == first);
  p.now += 499ms;
  CHECK(p.check().empty());
  p.now += 1ms;
  CHECK(p.check() == first);
  p.now += 30s;
  CHECK(p.check().empty());
  CHECK(p.client.now_is() == state::lost);
  CHECK_FALSE(p.client.due());
}

TEST_CASE("an answer to another request, under another password, or changed, counts nothing") {
  pair p;
  const auto check = p.check();
  pair other;
  other.theirs = p.theirs;
  const auto foreign = [&] {
    ice::lite_agent same_gateway(p.theirs);
    ice_client_config config = p.config();
    ice_client second(config, p.now);
    const auto sent = second.on_time(p.now);
    std::vector<std::byte> copy(sent.begin(), sent.end());
    REQUIRE(same_gateway.on_datagram(copy, wic, p.now) == ice::verdict::answer);
    return std::vector<std::byte>(same_gateway.answer().begin(), same_gateway.answer().end());
  }();
  CHECK(p.client.on_datagram(foreign, gateway, p.now) == verdict::handled);
  CHECK(p.client.now_is() == state::checking);
  auto changed = p.ask(check);
  changed[changed.size() - 12] ^= std::byte{1};  // in MESSAGE-INTEGRITY
  CHECK(p.client.on_datagram(changed, gateway, p.now) == verdict::handled);
  CHECK(p.client.now_is() == state::checking);
  CHECK(p.client.on_datagram(p.ask(check), gateway, p.now) == verdict::handled);
  CHECK(p.client.now_is() == state::nominated);
}

TEST_CASE("a refusal of our own request ends the checking, and one of another's does not") {
  pair p;
  auto check = p.check();
  ice::lite_agent stranger(ice::make_credentials());
  REQUIRE(stranger.on_datagram(check, wic, p.now) == ice::verdict::answer);
  const std::vector<std::byte> answer(stranger.answer().begin(), stranger.answer().end());  // 401: it cannot be signed
  ice_client other(p.config(), p.now);
  (void)other.on_time(p.now);
  CHECK(other.on_datagram(answer, gateway, p.now) == verdict::handled);
  CHECK(other.now_is() == state::checking);
  CHECK(p.client.on_datagram(answer, gateway, p.now) == verdict::handled);
  CHECK(p.client.now_is() == state::refused);
  CHECK_FALSE(p.client.due());
}

TEST_CASE("consent is asked for every four to six seconds by new checks, and lost after thirty without an answer") {
  pair p;
  auto last = p.check();
  p.client.on_datagram(p.ask(last), gateway, p.now);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(p.client.due());
    const auto wait = *p.client.due() - p.now;
    CHECK(wait >= 4s);
    CHECK(wait <= 6s);
    p.now = *p.client.due();
    const auto check = p.check();
    CHECK(check != last);
    p.client.on_datagram(p.ask(check), gateway, p.now);
    last = check;
  }
  const auto answered = p.now;
  while (p.client.due()) {
    p.now = *p.client.due();
    (void)p.client.on_time(p.now);
  }
  CHECK(p.client.now_is() == state::lost);
  CHECK(p.now - answered >= 30s);
  CHECK(p.now - answered < 37s);
}

TEST_CASE("a check of the gateway's is answered, if it knows our password") {
  pair p;
  // Another client plays the gateway with full ICE.
  ice_client_config config;
  config.own = p.theirs;
  config.gateway = p.ours;
  ice_client full(config, p.now);
  const auto sent = full.on_time(p.now);
  const std::vector<std::byte> check(sent.begin(), sent.end());
  REQUIRE(p.client.on_datagram(check, gateway, p.now) == verdict::answer);
  const std::vector<std::byte> answer(p.client.answer().begin(), p.client.answer().end());
  CHECK(full.on_datagram(answer, wic, p.now) == verdict::handled);
  CHECK(full.now_is() == state::nominated);

  config.gateway.pwd = ice::make_credentials().pwd;
  ice_client forger(config, p.now);
  const auto forged = forger.on_time(p.now);
  const std::vector<std::byte> copy(forged.begin(), forged.end());
  CHECK(p.client.on_datagram(copy, gateway, p.now) == verdict::handled);
}

TEST_CASE("what is no STUN belongs to the layers above") {
  pair p;
  const std::vector<std::byte> record(20, std::byte{22});
  CHECK(p.client.on_datagram(record, gateway, p.now) == verdict::application);
  CHECK(p.client.on_datagram({}, gateway, p.now) == verdict::application);
}

TEST_CASE("more requests than libnice keeps may wait for their answers") {
  pair p;
  std::vector<std::unique_ptr<ice_client>> many;
  std::vector<std::vector<std::byte>> checks;
  for (int i = 0; i < 1000; ++i) {
    many.push_back(std::make_unique<ice_client>(p.config(), p.now));
    const auto sent = many.back()->on_time(p.now);
    checks.emplace_back(sent.begin(), sent.end());
  }
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i]->on_datagram(p.ask(checks[i]), gateway, p.now);
    REQUIRE(many[i]->now_is() == state::nominated);
  }
}

TEST_CASE("a delay line gives back what went in, in order, a fixed time later") {
  delay_line line(50ms);
  const clock::time_point begin(10s);
  const auto octet = [](unsigned n) { return std::vector<std::byte>(n + 1, static_cast<std::byte>(n)); };
  CHECK_FALSE(line.due());
  CHECK(line.push(octet(0), begin));
  CHECK(line.push(octet(1), begin + 10ms));
  CHECK(line.due() == begin + 50ms);
  datagram_batch out;
  line.pop(begin + 49ms, out);
  CHECK(out.empty());
  line.pop(begin + 55ms, out);
  REQUIRE(out.size() == 1);
  CHECK(out[0].size() == 1);
  CHECK(line.due() == begin + 60ms);
  line.pop(begin + 1s, out);
  REQUIRE(out.size() == 2);
  CHECK(out[1][0] == std::byte{1});
  CHECK_FALSE(line.due());
}

TEST_CASE("a delay line has an end") {
  delay_line line(1s, 100);
  const std::vector<std::byte> big(60);
  CHECK(line.push(big, {}));
  CHECK_FALSE(line.push(big, {}));
  datagram_batch out;
  line.pop(clock::time_point(2s), out);
  CHECK(line.push(big, {}));
}
