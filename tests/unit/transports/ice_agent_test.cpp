#include <boost/asio/ip/address.hpp>
#include <catch2/catch.hpp>

#include "agw/core/metrics.hpp"
#include "agw/transports/ice_agent.hpp"
#include "ice_client.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

udp::endpoint at(std::uint16_t port) { return udp::endpoint(asio::ip::make_address("192.0.2.7"), port); }

// An agent with a peer that knows its credentials, and a clock that the test moves.
struct fixture {
  fixture() : client(ice::make_credentials(), agent.local()) {}

  ice::verdict give(std::vector<std::byte> datagram, const ice::route& source) {
    return agent.on_datagram(datagram, source, now);
  }
  ice::verdict give(const test::check& c, const ice::route& source) { return give(client.compose(c), source); }
  // The answer's error code, 0 for success, -1 when there is none or a wrong one.
  int ask(const test::check& c, const udp::endpoint& source = at(1000), udp::endpoint* mapped = nullptr) {
    return give(c, source) == ice::verdict::answer ? client.read_answer(agent.answer(), mapped) : -1;
  }
  void know_remote(std::vector<ice::candidate> candidates = {}) { agent.set_remote(client.own(), std::move(candidates)); }

  ice::lite_agent agent{ice::make_credentials()};
  test::ice_client client;
  clock::time_point now{1h};
};

ice::candidate candidate_at(std::uint16_t port, std::uint32_t priority) {
  ice::candidate c;
  c.foundation = "1";
  c.priority = priority;
  c.address = at(port);
  return c;
}

struct counted {
  explicit counted(const char* c) : cause(c), before(drops("ice", c)) {}
  std::uint64_t operator()() const { return drops("ice", cause) - before; }
  const char* cause;
  std::uint64_t before;
};

}  // namespace

TEST_CASE("the first byte tells STUN, DTLS and the rest apart") {
  const auto kind = [](unsigned first) {
    const std::byte b = static_cast<std::byte>(first);
    return ice::kind_of(bytes_view(&b, 1));
  };
  for (const unsigned b : {0u, 1u, 2u, 3u}) REQUIRE(kind(b) == ice::datagram_kind::stun);
  for (const unsigned b : {20u, 22u, 63u}) REQUIRE(kind(b) == ice::datagram_kind::dtls);
  for (const unsigned b : {4u, 19u, 64u, 79u, 127u, 128u, 191u, 192u, 255u}) REQUIRE(kind(b) == ice::datagram_kind::other);
  REQUIRE(ice::kind_of({}) == ice::datagram_kind::other);
}

TEST_CASE("a valid check is answered with the source's address, under message integrity") {
  fixture f;
  udp::endpoint mapped;
  REQUIRE(f.ask(f.client.valid_check(), at(1000), &mapped) == 0);
  REQUIRE(mapped == at(1000));
  REQUIRE(f.agent.verified(at(1000)));
  REQUIRE(f.agent.selected() == ice::route(at(1000)));
  REQUIRE_FALSE(f.agent.nominated());
  REQUIRE(f.agent.last_sign() == f.now);
  const udp::endpoint v6(asio::ip::make_address("2001:db8::7"), 5);
  REQUIRE(f.ask(f.client.valid_check(), v6, &mapped) == 0);
  REQUIRE(mapped == v6);
}

TEST_CASE("what DTLS authenticated is a sign of life of the selected route, before any check it is nothing") {
  fixture f;
  f.agent.heard(at(1000), f.now);
  REQUIRE_FALSE(f.agent.last_sign());
  REQUIRE(f.ask(f.client.valid_check(true)) == 0);
  f.now += 20s;
  f.agent.heard(at(1001), f.now);  // nobody has verified that one
  REQUIRE(f.agent.last_sign() == f.now - 20s);
  f.agent.heard(at(1000), f.now);
  REQUIRE(f.agent.last_sign() == f.now);
}

TEST_CASE("checks from another address are no sign of life of the selected route") {
  fixture f;
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);
  const auto nominated = f.now;
  f.now += 5s;
  REQUIRE(f.ask(f.client.valid_check(), at(2)) == 0);
  REQUIRE(f.agent.last_sign() == nominated);
  REQUIRE(f.agent.selected() == at(1));
}

TEST_CASE("a peer that a NAT has moved is followed when its old route is silent and the new one carries authentic data") {
  fixture f;
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);
  f.agent.heard(at(1), f.now);
  f.now += 1999ms;
  REQUIRE(f.ask(f.client.valid_check(), at(2)) == 0);
  f.agent.heard(at(2), f.now);
  REQUIRE(f.agent.selected() == at(1));  // not silent yet
  f.now += 1ms;
  REQUIRE(f.ask(f.client.valid_check(), at(3)) == 0);
  REQUIRE(f.agent.selected() == at(1));  // checked, without data
  f.agent.heard(at(4), f.now);
  REQUIRE(f.agent.selected() == at(1));  // data without a check
  f.agent.heard(at(2), f.now);
  REQUIRE(f.agent.selected() == at(2));
  REQUIRE(f.agent.last_sign() == f.now);
}

TEST_CASE("authentic data that came late from an old route moves nothing while the selected one lives") {
  fixture f;
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);
  REQUIRE(f.ask(f.client.valid_check(), at(2)) == 0);
  for (int i = 0; i < 100; ++i) {
    f.now += 1s;
    f.agent.heard(at(2), f.now);
    f.agent.heard(at(1), f.now);
    REQUIRE(f.agent.selected() == at(1));
  }
}

TEST_CASE("a peer that only checks is followed when its old route has been silent for long") {
  fixture f;
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);
  f.now += ice::lite_agent::silent_long_after - 1ms;
  REQUIRE(f.ask(f.client.valid_check(), at(2)) == 0);
  REQUIRE(f.agent.selected() == at(1));
  f.now += 1ms;
  REQUIRE(f.ask(f.client.valid_check(), at(2)) == 0);
  REQUIRE(f.agent.selected() == at(2));
}

TEST_CASE("a route whose connection is gone is left at the first sign of another") {
  fixture f;
  const ice::route tcp(at(1), 7);
  REQUIRE(f.give(f.client.valid_check(true), tcp) == ice::verdict::answer);
  REQUIRE(f.agent.selected() == tcp);
  REQUIRE_FALSE(f.agent.verified(at(1)));  // the same address by UDP is another route
  f.agent.gone(tcp);
  REQUIRE(f.ask(f.client.valid_check(), at(2)) == 0);
  REQUIRE(f.agent.selected() == at(2));
}

TEST_CASE("a check before the peer's parameters are known is answered, whatever ufrag it names for itself") {
  fixture f;
  REQUIRE(f.ask(f.client.valid_check(true)) == 0);
  REQUIRE(f.agent.selected() == at(1000));
  f.know_remote();
  REQUIRE(f.ask(f.client.valid_check(true)) == 0);
}

TEST_CASE("after that it must name the peer's ufrag") {
  fixture f;
  f.know_remote();
  counted username("username");
  auto other = f.client.valid_check();
  other.username = f.agent.local().ufrag + ":someoneelse";
  REQUIRE(f.ask(other) == 401);
  REQUIRE(username() == 1);
  REQUIRE_FALSE(f.agent.verified(at(1000)));
}

TEST_CASE("wrong credentials are answered without integrity, counted by cause, and verify nothing") {
  fixture f;
  auto c = f.client.valid_check(true);
  SECTION("wrong password") {
    counted integrity("integrity");
    c.password = "not-the-password-at-all-xx";
    REQUIRE(f.ask(c) == 401);
    REQUIRE(integrity() == 1);
  }
  SECTION("another agent's ufrag") {
    counted username("username");
    c.username = "zzzz:yyyy";
    REQUIRE(f.ask(c) == 401);
    REQUIRE(username() == 1);
  }
  SECTION("our ufrag as a prefix of a longer one") {
    counted username("username");
    c.username = f.agent.local().ufrag + "x:yyyy";
    REQUIRE(f.ask(c) == 401);
    REQUIRE(username() == 1);
  }
  SECTION("no second half") {
    counted username("username");
    c.username = f.agent.local().ufrag + ":";
    REQUIRE(f.ask(c) == 401);
    REQUIRE(username() == 1);
  }
  SECTION("no username") {
    counted credentials("credentials");
    c.username.clear();
    REQUIRE(f.ask(c) != 0);
    REQUIRE(credentials() == 1);
  }
  SECTION("no message integrity") {
    counted credentials("credentials");
    c.with_integrity = false;
    REQUIRE(f.ask(c) == 400);
    REQUIRE(credentials() == 1);
  }
  REQUIRE_FALSE(f.agent.verified(at(1000)));
  REQUIRE_FALSE(f.agent.selected());
  REQUIRE_FALSE(f.agent.last_sign());
}

TEST_CASE("an error answer is never longer than what an unproven sender sent") {
  fixture f;
  auto c = f.client.valid_check();
  c.with_integrity = false;
  for (const bool username : {true, false}) {
    for (const std::uint32_t priority : {0u, 1u}) {
      if (!username) c.username.clear();
      c.priority = priority;
      const auto datagram = f.client.compose(c);
      auto copy = datagram;
      if (f.give(copy, at(1000)) == ice::verdict::answer) REQUIRE(f.agent.answer().size() <= datagram.size());
    }
  }
}

TEST_CASE("a check without a fingerprint is no check") {
  fixture f;
  counted malformed("malformed");
  auto c = f.client.valid_check(true);
  c.with_fingerprint = false;
  REQUIRE(f.give(c, at(1000)) == ice::verdict::dropped);
  REQUIRE(malformed() == 1);
}

TEST_CASE("a peer that thinks itself controlled is told so, and nominates nothing") {
  fixture f;
  counted conflict("role-conflict");
  auto c = f.client.valid_check(true);
  c.controlled = true;
  REQUIRE(f.ask(c) == 487);
  REQUIRE(conflict() == 1);
  REQUIRE_FALSE(f.agent.selected());
}

TEST_CASE("an attribute that must be understood and is not gets a 420, an optional one is ignored") {
  fixture f;
  counted unknown("unknown-attribute");
  auto c = f.client.valid_check();
  c.extra = {0x0030};
  REQUIRE(f.ask(c) == 420);
  REQUIRE(unknown() == 1);
  c.extra = {0xC057};  // libwebrtc's network info
  REQUIRE(f.ask(c) == 0);
}

TEST_CASE("other methods, indications and answers get no answer") {
  fixture f;
  auto c = f.client.valid_check();
  SECTION("another method") {
    counted method("method");
    c.method = STUN_ALLOCATE;
    REQUIRE(f.give(c, at(1000)) == ice::verdict::dropped);
    REQUIRE(method() == 1);
  }
  SECTION("a keepalive indication") {
    c.kind = STUN_INDICATION;
    REQUIRE(f.give(c, at(1000)) == ice::verdict::handled);
    REQUIRE_FALSE(f.agent.last_sign());
  }
  SECTION("an answer that nobody asked for") {
    counted response("response");
    REQUIRE(f.ask(c) == 0);
    std::vector<std::byte> answer(f.agent.answer().begin(), f.agent.answer().end());
    REQUIRE(f.give(answer, at(1000)) == ice::verdict::dropped);
    REQUIRE(response() == 1);
  }
}

TEST_CASE("application data counts only from an address that a valid check came from") {
  fixture f;
  counted unverified("unverified");
  counted unknown("unknown-protocol");
  REQUIRE(f.give(test::dtls_like(), at(1000)) == ice::verdict::dropped);
  REQUIRE(f.ask(f.client.valid_check()) == 0);
  REQUIRE(f.give(test::dtls_like(), at(1000)) == ice::verdict::application);
  REQUIRE(f.give(test::dtls_like(), at(1001)) == ice::verdict::dropped);
  REQUIRE(unverified() == 2);
  REQUIRE(f.give(std::vector<std::byte>(12, std::byte{0x80}), at(1000)) == ice::verdict::dropped);
  REQUIRE(f.give(std::vector<std::byte>{}, at(1000)) == ice::verdict::dropped);
  REQUIRE(unknown() == 2);
}

TEST_CASE("while nominations settle the highest priority wins, later the latest") {
  fixture f;
  f.know_remote();
  const auto nominate = [&](std::uint16_t port, std::uint32_t priority) {
    auto c = f.client.valid_check(true);
    c.priority = priority;
    REQUIRE(f.ask(c, at(port)) == 0);
  };
  nominate(1, 100);
  REQUIRE(f.agent.selected() == at(1));
  nominate(2, 200);
  REQUIRE(f.agent.selected() == at(2));
  nominate(1, 100);
  REQUIRE(f.agent.selected() == at(2));
  f.now += 2999ms;
  nominate(1, 100);
  REQUIRE(f.agent.selected() == at(2));
  f.now += 1ms;
  nominate(1, 100);
  REQUIRE(f.agent.selected() == at(1));
  nominate(3, 1);
  REQUIRE(f.agent.selected() == at(3));
  REQUIRE(f.ask(f.client.valid_check(), at(1)) == 0);  // a plain check changes nothing
  REQUIRE(f.agent.selected() == at(3));
}

TEST_CASE("a candidate of the SDP has the priority that the SDP says") {
  fixture f;
  f.know_remote({candidate_at(1, 1000), candidate_at(2, 2000)});
  auto c = f.client.valid_check(true);
  c.priority = 5000;
  REQUIRE(f.ask(c, at(2)) == 0);
  REQUIRE(f.ask(c, at(1)) == 0);
  REQUIRE(f.agent.selected() == at(2));
}

TEST_CASE("peer reflexive addresses are told once each, known candidates never, and a flood of them is bounded") {
  fixture f;
  REQUIRE(f.ask(f.client.valid_check(), at(1)) == 0);
  REQUIRE(f.ask(f.client.valid_check(), at(2)) == 0);
  REQUIRE_FALSE(f.agent.take_peer_reflexive());  // not before the candidates are known
  f.know_remote({candidate_at(1, 1000)});
  REQUIRE(f.agent.take_peer_reflexive() == at(2));
  REQUIRE_FALSE(f.agent.take_peer_reflexive());
  REQUIRE(f.ask(f.client.valid_check(), at(2)) == 0);
  REQUIRE_FALSE(f.agent.take_peer_reflexive());
  int told = 0;
  for (std::uint16_t port = 100; port < 400; ++port) {
    REQUIRE(f.ask(f.client.valid_check(), at(port)) == 0);
    while (f.agent.take_peer_reflexive()) ++told;
  }
  REQUIRE(told < 16);
}

TEST_CASE("of many verified addresses the stalest are forgotten, never the one in use") {
  fixture f;
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);
  for (std::uint16_t port = 2; port < 100; ++port) {
    f.now += 1ms;
    REQUIRE(f.ask(f.client.valid_check(), at(port)) == 0);
  }
  REQUIRE(f.agent.verified(at(1)));
  REQUIRE(f.agent.verified(at(99)));
  REQUIRE_FALSE(f.agent.verified(at(2)));
}

TEST_CASE("a restart by the peer alone keeps the old route, by its old credentials, until the new ones nominate") {
  fixture f;
  f.know_remote();
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);
  test::ice_client again(ice::make_credentials(), f.agent.local());
  f.agent.set_remote(again.own(), {});
  REQUIRE(f.agent.selected() == at(1));
  REQUIRE(f.give(test::dtls_like(), at(1)) == ice::verdict::application);
  f.now += 5s;
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);  // consent of the old pair
  REQUIRE(f.agent.last_sign() == f.now);
  REQUIRE(f.ask(f.client.valid_check(true), at(2)) == 0);  // but no nomination any more
  REQUIRE(f.agent.selected() == at(1));
  auto c = again.valid_check(true);
  c.priority = 1;
  REQUIRE(f.give(again.compose(c), at(3)) == ice::verdict::answer);
  REQUIRE(f.agent.selected() == at(3));
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 401);
  REQUIRE(f.agent.selected() == at(3));
}

TEST_CASE("a restart gives new local credentials, and the old pair carries on until they nominate") {
  fixture f;
  f.know_remote();
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);
  const auto fresh = ice::make_credentials();
  test::ice_client again(ice::make_credentials(), fresh);
  f.agent.restart(fresh);
  REQUIRE(f.agent.local() == fresh);
  SECTION("before the peer's half is known") {}
  SECTION("after it") { f.agent.set_remote(again.own(), {}); }
  REQUIRE(f.ask(f.client.valid_check(), at(1)) == 0);
  REQUIRE(f.agent.selected() == at(1));
  REQUIRE(f.give(again.compose(again.valid_check(true)), at(2)) == ice::verdict::answer);
  REQUIRE(again.read_answer(f.agent.answer()) == 0);  // under the new password
  REQUIRE(f.agent.selected() == at(2));
  REQUIRE(f.ask(f.client.valid_check(), at(1)) == 401);
  f.agent.set_remote(again.own(), {});
  REQUIRE(f.give(again.compose(again.valid_check()), at(2)) == ice::verdict::answer);
  REQUIRE(again.read_answer(f.agent.answer()) == 0);
}

TEST_CASE("a peer that was not told of our new credentials nominates by the old ones and its own new ones") {
  fixture f;
  f.know_remote();
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);
  test::ice_client again(ice::make_credentials(), f.agent.local());
  f.agent.restart(ice::make_credentials());
  f.agent.set_remote(again.own(), {});
  REQUIRE(f.give(again.compose(again.valid_check(true)), at(2)) == ice::verdict::answer);
  REQUIRE(f.agent.selected() == at(2));
}

TEST_CASE("after consent was revoked only a restart nominates again") {
  fixture f;
  f.know_remote();
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);
  f.agent.revoke();
  REQUIRE_FALSE(f.agent.selected());
  REQUIRE(f.ask(f.client.valid_check(true), at(1)) == 0);
  REQUIRE_FALSE(f.agent.selected());
  const auto fresh = ice::make_credentials();
  test::ice_client again(ice::make_credentials(), fresh);
  f.agent.restart(fresh);
  f.agent.set_remote(again.own(), {});
  REQUIRE(f.give(again.compose(again.valid_check(true)), at(1)) == ice::verdict::answer);
  REQUIRE(f.agent.selected() == at(1));
}

TEST_CASE("no truncation and no single flipped byte of a valid check is taken for one") {
  fixture f;
  const auto valid = f.client.compose(f.client.valid_check(true));
  for (std::size_t size = 0; size < valid.size(); ++size) {
    f.give(std::vector<std::byte>(valid.begin(), valid.begin() + static_cast<std::ptrdiff_t>(size)), at(1));
    REQUIRE_FALSE(f.agent.verified(at(1)));
  }
  for (std::size_t i = 0; i < valid.size(); ++i) {
    for (const unsigned bits : {0x01u, 0x80u, 0xFFu}) {
      auto broken = valid;
      broken[i] ^= static_cast<std::byte>(bits);
      f.give(broken, at(1));
      REQUIRE_FALSE(f.agent.verified(at(1)));
    }
  }
  auto longer = valid;
  longer.resize(longer.size() + 4);
  f.give(longer, at(1));
  REQUIRE_FALSE(f.agent.verified(at(1)));
  REQUIRE(f.give(valid, at(1)) == ice::verdict::answer);
}

namespace {

// The client's check with attributes behind MESSAGE-INTEGRITY, and a fingerprint made anew, as anybody on the way can.
std::vector<std::byte> with_tail(test::ice_client& client, test::check c, const std::vector<unsigned>& tail) {
  c.with_fingerprint = false;
  auto out = client.compose(c);
  const auto push = [&](std::uint32_t b) { out.push_back(static_cast<std::byte>(b & 0xFF)); };
  for (const auto b : tail) push(b);
  const auto length = out.size() - 20 + 8;
  out[2] = static_cast<std::byte>(length >> 8);
  out[3] = static_cast<std::byte>(length & 0xFF);
  std::uint32_t crc = 0xFFFFFFFF;
  for (const auto b : out) {
    crc ^= std::to_integer<std::uint32_t>(b);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  crc = ~crc ^ 0x5354554E;
  for (const unsigned b : {0x80u, 0x28u, 0x00u, 0x04u}) push(b);
  for (const unsigned shift : {24u, 16u, 8u, 0u}) push(crc >> shift);
  return out;
}

}  // namespace

TEST_CASE("attributes behind the message integrity have no effect, and are no error either") {
  fixture f;
  f.know_remote();
  std::vector<unsigned> tail;
  SECTION("USE-CANDIDATE, smuggled in") { tail = {0x00, 0x25, 0x00, 0x00}; }
  SECTION("ICE-CONTROLLED of no length") { tail = {0x80, 0x29, 0x00, 0x00}; }
  SECTION("one that would have to be understood") { tail = {0x00, 0x30, 0x00, 0x04, 1, 2, 3, 4}; }
  SECTION("MESSAGE-INTEGRITY-SHA256") {
    tail = {0x00, 0x1C, 0x00, 0x20};
    tail.resize(36, 0xAA);
  }
  SECTION("another MESSAGE-INTEGRITY") {
    tail = {0x00, 0x08, 0x00, 0x14};
    tail.resize(24, 0);
  }
  const auto datagram = with_tail(f.client, f.client.valid_check(), tail);
  REQUIRE(f.give(datagram, at(1)) == ice::verdict::answer);
  REQUIRE(f.client.read_answer(f.agent.answer()) == 0);
  REQUIRE_FALSE(f.agent.nominated());
  REQUIRE(f.agent.verified(at(1)));
  auto broken = with_tail(f.client, f.client.valid_check(true), tail);
  broken.back() ^= std::byte{1};
  REQUIRE(f.give(broken, at(1)) == ice::verdict::dropped);
}

TEST_CASE("a flood of bad requests gets few answers, and leaves some for other sources and all for valid checks") {
  fixture f;
  counted username("username");
  counted limit("answer-limit");
  auto wrong = f.client.valid_check();
  wrong.username = "nobody:knows";
  auto unsigned_one = f.client.valid_check();
  unsigned_one.with_integrity = false;
  int answers = 0;
  for (int i = 0; i < 500; ++i) {
    if (f.give(wrong, at(static_cast<std::uint16_t>(1 + i))) == ice::verdict::answer) ++answers;
    if (f.give(unsigned_one, at(1)) == ice::verdict::answer) ++answers;
  }
  REQUIRE(answers == 10);
  REQUIRE(username() == 500);
  REQUIRE(limit() == 990);
  const udp::endpoint elsewhere(asio::ip::make_address("198.51.100.1"), 1);
  REQUIRE(f.ask(wrong, elsewhere) == 401);
  REQUIRE(f.ask(f.client.valid_check(), at(1)) == 0);
  answers = 0;
  for (int i = 0; i < 1000; ++i) {  // forged addresses
    const udp::endpoint forged(asio::ip::address_v4(0xC6336500u + static_cast<unsigned>(i)), 1);
    if (f.give(wrong, forged) == ice::verdict::answer) ++answers;
  }
  REQUIRE(answers == 39);
  f.now += 1s;
  REQUIRE(f.ask(wrong, at(1)) == 401);
}

TEST_CASE("a huge STUN message is dropped unread") {
  fixture f;
  counted malformed("malformed");
  std::vector<std::byte> huge(60020, std::byte{0});
  const std::array<unsigned, 8> head{0x00, 0x01, 60000 >> 8, 60000 & 0xFF, 0x21, 0x12, 0xA4, 0x42};
  for (std::size_t i = 0; i < head.size(); ++i) huge[i] = static_cast<std::byte>(head[i]);
  REQUIRE(f.give(huge, at(1)) == ice::verdict::dropped);
  REQUIRE(malformed() == 1);
}
