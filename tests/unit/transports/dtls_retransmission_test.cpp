// The machine on a network that loses, repeats and reorders, and its timer.
#include <catch2/catch.hpp>

#include "agw/transports/error.hpp"

#include "dtls_pair.hpp"

using namespace agw;
using namespace agw::dtls;
using namespace std::chrono_literals;
using test::machine_pair;
using test::require_talking;

namespace {

using status = machine::status;

}  // namespace

TEST_CASE("the handshake survives loss, repetition and reordering, whatever the seed") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    test::network_quality quality;
    quality.loss = 0.3;
    quality.repeated = 0.3;
    quality.reordered = 0.3;
    machine_pair p(seed, quality);
    p.start();
    INFO("seed " << seed);
    // The client may be done while the server's last flight is lost again and again: it is the client's timer that cures it.
    REQUIRE(p.run([&] { return p.established(); }));
    p.in_flight.clear();
    require_talking(p);
  }
}

TEST_CASE("each flight that is lost whole is repeated when its time has come") {
  for (int lost_flight = 0; lost_flight < 4; ++lost_flight) {
    machine_pair p;
    int flight = -1;
    bool last_to_server = false;
    clock::time_point last{};
    p.filter = [&](bool to_server, const test::datagram&) {
      if (flight < 0 || to_server != last_to_server || p.now - last >= 200ms) ++flight;
      last_to_server = to_server;
      last = p.now;
      return flight != lost_flight;
    };
    const auto begin = p.now;
    REQUIRE(p.handshake());
    REQUIRE(p.now - begin >= 200ms);
    REQUIRE(p.now - begin < 500ms);
    require_talking(p);
  }
}

TEST_CASE("the server answers a client that did not get its last flight, long after it was done itself") {
  machine_pair p;
  p.filter = [&](bool to_server, const test::datagram&) { return to_server || p.server.state() != status::established; };
  p.start();
  REQUIRE_FALSE(p.run([&] { return p.established(); }, 2s));
  REQUIRE(p.server.state() == status::established);
  REQUIRE(p.client.state() == status::handshaking);
  p.filter = {};
  REQUIRE(p.run([&] { return p.established(); }, 4s));
  require_talking(p);
}

TEST_CASE("flights are repeated at doubling intervals up to the slowest, and end in a timeout") {
  machine m(test::client_config());
  datagram_batch out;
  auto now = clock::time_point(1h);
  m.start(now, out);
  REQUIRE_FALSE(out.empty());
  auto expected = clock::duration(200ms);
  int repeated = 0;
  while (m.state() == status::handshaking) {
    REQUIRE(m.next_deadline() == now + expected);
    out.clear();
    m.timeout(m.next_deadline() - 1ns, out);
    REQUIRE(out.empty());
    now = m.next_deadline();
    m.timeout(now, out);
    if (!out.empty()) ++repeated;
    expected = std::min<clock::duration>(expected * 2, 3s);
  }
  REQUIRE(repeated == 12);
  REQUIRE(m.end().reason == "timeout");
  REQUIRE(m.end().code == transport_error::no_answer);
  REQUIRE(m.next_deadline() == no_deadline);
  REQUIRE(now - clock::time_point(1h) > 15s);
}

TEST_CASE("a timer that is served late repeats the flight once and goes on from then") {
  machine m(test::client_config());
  datagram_batch out;
  auto now = clock::time_point(1h);
  m.start(now, out);
  const auto flight = out.size();
  out.clear();
  now += 10s;
  m.timeout(now, out);
  REQUIRE(out.size() == flight);
  REQUIRE(m.next_deadline() == now + 400ms);
}

TEST_CASE("datagrams that arrive late do not repeat a flight by themselves") {
  // So short an interval that OpenSSL's own clock, were it not kept out, would find it over at once.
  auto server = test::server_config();
  server.first_retransmission = 1us;
  machine_pair p(1, {}, test::client_config(), server);
  datagram_batch payload;
  p.client.start(p.now, p.out);
  const auto hello = test::copy(p.out[0]);
  p.out.clear();
  p.server.receive(hello, p.now, p.out, payload);
  REQUIRE(p.out.size() > 0);
  p.out.clear();
  REQUIRE(p.server.next_deadline() == p.now + 1us);
  p.server.receive(hello, p.now + 10s, p.out, payload);
  REQUIRE(p.out.size() == 0);
  REQUIRE(p.server.state() == status::handshaking);
}

TEST_CASE("payload that overtakes the last flight is delivered after it") {
  machine_pair p;
  p.filter = [&](bool to_server, const test::datagram&) { return to_server || p.server.state() != status::established; };
  p.start();
  p.run([&] { return p.server.state() == status::established; });
  const auto last_flight = p.sent.back();
  p.filter = {};
  p.send(false, "early");
  p.run([&] { return p.in_flight.empty(); }, 50ms);
  REQUIRE(p.client.state() == status::handshaking);
  REQUIRE(p.at_client.empty());
  p.deliver(false, last_flight);
  REQUIRE(p.client.state() == status::established);
  REQUIRE(p.at_client == std::vector<std::string>{"early"});
  require_talking(p);
}

TEST_CASE("a repeated Finished of the client is answered after the buffers were given back") {
  machine_pair p;
  p.filter = [&](bool to_server, const test::datagram&) { return to_server || p.server.state() != status::established; };
  p.start();
  p.run([&] { return p.server.state() == status::established; });
  p.server.release_buffers();
  p.filter = {};
  REQUIRE(p.run([&] { return p.established(); }, 2s));
  require_talking(p);
}
