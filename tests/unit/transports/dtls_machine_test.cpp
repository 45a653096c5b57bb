#include <catch2/catch.hpp>

#include "agw/core/metrics.hpp"
#include "agw/transports/error.hpp"

#include "dtls_pair.hpp"

using namespace agw;
using namespace agw::dtls;
using namespace std::chrono_literals;
using test::machine_pair;
using test::require_talking;
using test::text;

namespace {

using status = machine::status;

// Of the first record.
int content(const test::datagram& d) { return std::to_integer<int>(d.at(0)); }

}  // namespace

TEST_CASE("two machines agree, exchange payload and need no timer any more") {
  machine_pair p;
  REQUIRE(p.handshake());
  REQUIRE(p.client.cipher() == "ECDHE-ECDSA-AES128-GCM-SHA256");
  REQUIRE(p.server.cipher() == p.client.cipher());
  REQUIRE(p.client.next_deadline() == no_deadline);
  REQUIRE(p.server.next_deadline() == no_deadline);
  require_talking(p);
}

TEST_CASE("no datagram exceeds the MTU, and the largest payload fills it") {
  for (const std::size_t mtu : {256u, 400u, 1200u, 1472u}) {
    auto client = test::client_config();
    auto server = test::server_config();
    client.max_datagram_bytes = mtu;
    server.max_datagram_bytes = mtu;
    machine_pair p(1, {}, client, server);
    REQUIRE(p.handshake());
    for (const auto& d : p.sent) REQUIRE(d.size() <= std::min(mtu, std::size_t{1200}));  // the handshake fits every path
    REQUIRE(p.client.max_payload_bytes() == mtu - 37);
    p.sent.clear();
    p.send(true, std::string(p.client.max_payload_bytes(), 'x'));
    REQUIRE(p.sent.size() == 1);
    REQUIRE(p.sent[0].size() == mtu);
    const auto before = drops("dtls", "too-large");
    p.send(true, std::string(p.client.max_payload_bytes() + 1, 'x'));
    REQUIRE(p.sent.size() == 1);
    REQUIRE(drops("dtls", "too-large") == before + 1);
  }
}

TEST_CASE("the lower pipe's limit counts when it is the smaller one, and less than 256 bytes is refused") {
  machine m(test::client_config(), 600);
  datagram_batch out;
  m.start(clock::time_point(1h), out);
  REQUIRE(m.max_payload_bytes() == 600 - 37);
  REQUIRE_THROWS_AS(machine(test::client_config(), 255), std::invalid_argument);
  REQUIRE_THROWS_AS(machine(handshake_config()), std::invalid_argument);
}

TEST_CASE("a wrong fingerprint on either side ends both: bad_certificate goes out") {
  const auto stranger = certificate::self_signed().fingerprint();
  for (const bool at_client : {true, false}) {
    auto client = test::client_config();
    auto server = test::server_config();
    (at_client ? client : server).fingerprints = {stranger};
    machine_pair p(1, {}, client, server);
    p.start();
    REQUIRE(p.run([&] { return p.over(); }));
    const auto& disappointed = at_client ? p.client : p.server;
    const auto& rejected = at_client ? p.server : p.client;
    REQUIRE(disappointed.end().reason == "fingerprint");
    REQUIRE(disappointed.end().code == transport_error::fingerprint_mismatch);
    REQUIRE(disappointed.end().detail.find("sha-256 ") != std::string::npos);
    REQUIRE(rejected.end().reason == "alert");
    REQUIRE(rejected.end().detail == "bad certificate");
    REQUIRE(p.at_client.empty());
    REQUIRE(p.at_server.empty());
  }
}

TEST_CASE("without a fingerprint nobody is accepted, and one of several is enough") {
  auto client = test::client_config();
  client.fingerprints.clear();
  machine_pair none(1, {}, client);
  none.start();
  REQUIRE(none.run([&] { return none.over(); }));
  REQUIRE(none.client.end().reason == "fingerprint");

  client.fingerprints = {certificate::self_signed().fingerprint(), test::server_context()->own().fingerprint()};
  machine_pair several(1, {}, client);
  REQUIRE(several.handshake());
}

TEST_CASE("garbage before, within and after the handshake changes nothing and is counted") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    machine_pair p(seed);
    auto random = std::mt19937(seed);
    const auto noise = [&](bool to_server) {
      const auto before = drops("dtls", "malformed") + drops("dtls", "unexpected") + drops("dtls", "record");
      test::datagram d(1 + random() % 200);
      for (auto& b : d) b = static_cast<std::byte>(random());
      const auto set = [&d](std::size_t at, unsigned v) {
        if (at < d.size()) d[at] = static_cast<std::byte>(v);
      };
      // From pure noise to a whole record header with noise behind it, at epoch 0.
      const auto disguise = random() % 4;
      if (disguise >= 1) set(0, 20 + random() % 4);
      if (disguise >= 2) {
        set(1, 0xfe);
        set(2, 0xfd);
        set(3, 0);
        set(4, 0);
      }
      if (disguise >= 3) {
        set(11, 0);
        set(12, static_cast<unsigned>(d.size() > 13 ? d.size() - 13 : 0));
      }
      auto& m = to_server ? p.server : p.client;
      datagram_batch out, payload;
      m.receive(d, p.now, out, payload);
      REQUIRE(out.empty());
      REQUIRE(payload.empty());
      REQUIRE(drops("dtls", "malformed") + drops("dtls", "unexpected") + drops("dtls", "record") > before);
    };
    bool busy = false;
    p.tap = [&](bool to_server, bytes_view) {
      if (std::exchange(busy, true)) return;
      for (int i = 0; i < 5; ++i) noise(to_server);
      busy = false;
    };
    noise(true);
    REQUIRE(p.handshake());
    for (int i = 0; i < 100; ++i) noise(i % 2 == 0);
    require_talking(p);
  }
}

TEST_CASE("forged, altered and repeated records of an established session are dropped and counted") {
  machine_pair p;
  REQUIRE(p.handshake());
  p.settle();
  p.sent.clear();
  p.send(true, "authentic");
  p.settle();
  REQUIRE(p.at_server.size() == 1);
  const auto authentic = p.sent.at(0);
  const auto before = drops("dtls", "record");
  p.deliver(true, authentic);  // replayed
  REQUIRE(drops("dtls", "record") == before + 1);
  std::uint64_t altered = 0;
  for (std::size_t i = 0; i < authentic.size(); ++i) {
    auto d = authentic;
    d[10] = std::byte{9};  // a sequence number of its own
    d[i] ^= std::byte{0x10};
    p.deliver(true, d);
    ++altered;
  }
  for (std::size_t body = 1; body < 40; ++body) {
    auto d = authentic;
    d.resize(13 + body);
    d[10] = std::byte{9};
    d[11] = std::byte{};
    d[12] = static_cast<std::byte>(body);
    p.deliver(true, d);
  }
  REQUIRE(p.at_server.size() == 1);
  REQUIRE(p.sent.size() == 1);  // nothing of it was answered
  // Altered in type, version, epoch or length a record is refused before OpenSSL sees it; in all other bytes it is not authentic.
  REQUIRE(drops("dtls", "record") >= before + altered - 8);
  require_talking(p);
}

TEST_CASE("a bad record in a datagram does not take the good ones with it") {
  machine_pair p;
  REQUIRE(p.handshake());
  p.settle();
  p.sent.clear();
  p.send(true, "one");
  p.send(true, "two");
  p.in_flight.clear();
  auto forged = p.sent.at(0);
  forged[10] = std::byte{77};
  test::datagram together = p.sent[0];
  together.insert(together.end(), forged.begin(), forged.end());
  together.insert(together.end(), p.sent[1].begin(), p.sent[1].end());
  together.insert(together.end(), 5, std::byte{1});
  p.deliver(true, together);
  REQUIRE(p.at_server == std::vector<std::string>{"one", "two"});
}

TEST_CASE("close_notify ends both sides, and is answered") {
  for (const bool by_client : {true, false}) {
    machine_pair p;
    REQUIRE(p.handshake());
    p.settle();
    p.send(by_client, "last words");
    const auto sent = p.sent.size();
    p.close(by_client);
    p.close(by_client);
    p.settle();
    REQUIRE(p.sent.size() == sent + 2);
    REQUIRE(content(p.sent[sent]) == 21);
    REQUIRE(content(p.sent[sent + 1]) == 21);
    REQUIRE((by_client ? p.at_server : p.at_client) == std::vector<std::string>{"last words"});
    REQUIRE(p.over());
    const auto& other = by_client ? p.server : p.client;
    REQUIRE(other.end().reason == "closed");
    REQUIRE(other.end().detail == "by the peer");
    const auto closed = drops("dtls", "closed");
    const auto ended = drops("dtls", "ended");
    p.send(by_client, "too late");
    p.deliver(by_client, p.sent.back());
    REQUIRE(drops("dtls", "closed") == closed + 1);
    REQUIRE(drops("dtls", "ended") == ended + 1);
  }
}

TEST_CASE("closed before the handshake is done, a machine sends nothing") {
  machine m(test::client_config());
  datagram_batch out;
  m.start(clock::time_point(1h), out);
  out.clear();
  m.close(out);
  REQUIRE(out.empty());
  REQUIRE(m.state() == status::ended);
  REQUIRE(m.next_deadline() == no_deadline);
  m.timeout(clock::time_point(2h), out);
  m.start(clock::time_point(2h), out);
  REQUIRE(out.empty());
}

TEST_CASE("a plaintext fatal alert ends a handshake, but not an established session") {
  const char alert[] = {21, char(0xfe), char(0xfd), 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
  const auto bytes = text(std::string_view(alert, sizeof alert));
  machine_pair p;
  p.start();
  p.deliver(false, bytes);
  REQUIRE(p.client.state() == status::ended);
  REQUIRE(p.client.end().reason == "alert");
  REQUIRE(p.client.end().code == transport_error::fatal_alert);
  REQUIRE(p.client.end().detail == "handshake failure");

  machine_pair q;
  REQUIRE(q.handshake());
  q.deliver(false, bytes);
  q.deliver(true, bytes);
  require_talking(q);
}

TEST_CASE("keying material is the same on both sides, and only when established") {
  machine_pair p;
  std::array<std::byte, 60> a{}, b{};
  REQUIRE_FALSE(p.client.export_keying_material("EXTRACTOR-dtls_srtp", a));
  REQUIRE(p.client.cipher().empty());
  REQUIRE(p.handshake());
  REQUIRE(p.client.export_keying_material("EXTRACTOR-dtls_srtp", a));
  REQUIRE(p.server.export_keying_material("EXTRACTOR-dtls_srtp", b));
  REQUIRE(a == b);
  REQUIRE(a != std::array<std::byte, 60>{});
  REQUIRE(p.client.srtp_profile().empty());
}

TEST_CASE("an SRTP profile is negotiated when both contexts have one") {
  const auto a = std::make_shared<context>(certificate::self_signed(), "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80");
  const auto b = std::make_shared<context>(certificate::self_signed(), "SRTP_AES128_CM_SHA1_80");
  machine_pair p(1, {}, handshake_config(a, role::active, {b->own().fingerprint()}),
                 handshake_config(b, role::passive, {a->own().fingerprint()}));
  REQUIRE(p.handshake());
  REQUIRE(p.client.srtp_profile() == "SRTP_AES128_CM_SHA1_80");
  REQUIRE(p.server.srtp_profile() == "SRTP_AES128_CM_SHA1_80");
  REQUIRE_THROWS_AS(context(certificate::self_signed(), "NO_SUCH_PROFILE"), boost::system::system_error);
}

TEST_CASE("record buffers that were given back come again by themselves") {
  machine_pair p;
  REQUIRE(p.handshake());
  for (int i = 0; i < 3; ++i) {
    p.client.release_buffers();
    p.server.release_buffers();
    p.client.release_buffers();
    require_talking(p);
  }
  p.client.release_buffers();
  p.server.release_buffers();
  p.close(true);
  p.settle();
  REQUIRE(p.over());
}
