#include <boost/asio/ip/address.hpp>
#include <catch2/catch.hpp>

#include "agw/transports/error.hpp"
#include "agw/transports/ice_machine.hpp"
#include "ice_client.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

udp::endpoint at(std::uint16_t port) { return udp::endpoint(asio::ip::make_address("192.0.2.7"), port); }

// A machine, the peer that knows its credentials, and the time.
struct script {
  explicit script(bool ice = true)
      : own(ice::make_credentials()),
        machine(ice ? std::optional(own) : std::nullopt, 30s),
        client(ice::make_credentials(), own) {}

  ice::remote_parameters remote() const {
    ice::remote_parameters r;
    r.credentials = client.own();
    return r;
  }
  ice::remote_parameters plain(std::uint16_t port) const {
    ice::remote_parameters r;
    r.address = at(port);
    return r;
  }
  error_code set(const ice::remote_parameters& r) { return machine.set_remote(r, now); }
  ice::verdict check(std::uint16_t from, bool nominate = false) {
    auto datagram = client.compose(client.valid_check(nominate));
    return machine.receive(datagram, at(from), now);
  }
  ice::verdict data(std::uint16_t from) {
    auto datagram = test::record_like();
    return machine.receive(datagram, at(from), now);
  }
  void heard(std::uint16_t from) { machine.heard(at(from), now); }
  // Lets the time pass; the deadline is obeyed on the way.
  void pass(clock::duration by) {
    const auto end = now + by;
    while (const auto due = machine.deadline()) {
      if (*due > end) break;
      now = std::max(now, *due);
      machine.timeout(now);
    }
    now = end;
  }
  bool sends_to(std::uint16_t port) const { return machine.destination() == ice::route(at(port)); }

  ice::credentials own;
  ice::lite_machine machine;
  test::ice_client client;
  clock::time_point now{1h};
};

using ice::path_state;
using ice::verdict;

}  // namespace

TEST_CASE("a path is idle, waits for a check, and is open then; a nomination moves it") {
  script s;
  REQUIRE(s.machine.state() == path_state::idle);
  REQUIRE_FALSE(s.set(s.remote()));
  REQUIRE(s.machine.state() == path_state::waiting);
  REQUIRE_FALSE(s.machine.deadline());
  REQUIRE(s.data(1) == verdict::dropped);
  REQUIRE(s.check(1) == verdict::answer);
  REQUIRE(s.data(1) == verdict::application);
  REQUIRE(s.machine.state() == path_state::open);
  REQUIRE(s.sends_to(1));
  REQUIRE(s.machine.deadline() == s.now + 30s);
  REQUIRE(s.check(2) == verdict::answer);
  REQUIRE(s.sends_to(1));
  s.pass(1s);
  REQUIRE(s.check(2, true) == verdict::answer);
  REQUIRE(s.sends_to(2));
  REQUIRE(s.machine.deadline() == s.now + 30s);
}

TEST_CASE("parameters that cannot be used change nothing") {
  script s;
  auto wrong = s.remote();
  wrong.credentials.pwd = "short";
  REQUIRE(s.set(wrong) == transport_error::bad_credentials);
  REQUIRE(s.set(ice::remote_parameters()) == transport_error::no_remote_address);
  auto lite = s.remote();
  lite.lite = true;
  REQUIRE(s.set(lite) == transport_error::no_remote_address);
  REQUIRE(s.machine.state() == path_state::idle);
}

TEST_CASE("consent is lost 30 s after the selected route's last sign, and then nothing is sent and nothing brings it back but a restart") {
  script s;
  REQUIRE_FALSE(s.set(s.remote()));
  s.check(1, true);
  s.pass(29s);
  s.heard(1);
  s.pass(29s);
  s.check(1);
  s.pass(30s - 1ms);
  REQUIRE(s.machine.state() == path_state::open);
  s.pass(1ms);
  REQUIRE(s.machine.state() == path_state::lost);
  REQUIRE_FALSE(s.machine.destination());
  REQUIRE_FALSE(s.machine.deadline());
  s.check(1, true);
  s.heard(1);
  REQUIRE(s.machine.state() == path_state::lost);
  REQUIRE_FALSE(s.machine.destination());

  const auto fresh = ice::make_credentials();
  s.machine.restart(fresh);
  s.client = test::ice_client(ice::make_credentials(), fresh);
  REQUIRE_FALSE(s.set(s.remote()));
  REQUIRE(s.machine.state() == path_state::lost);
  s.check(2, true);
  REQUIRE(s.machine.state() == path_state::open);
  REQUIRE(s.sends_to(2));
}

TEST_CASE("a machine that begins anew knows nobody, and neither the old credentials' checks nor the old peer's data count") {
  script s;
  REQUIRE_FALSE(s.set(s.remote()));
  s.check(1, true);
  REQUIRE(s.data(1) == verdict::application);
  const auto old = s.client;
  const auto fresh = ice::make_credentials();
  s.machine.restart(fresh);
  s.machine.begin_anew();
  REQUIRE(s.machine.state() == path_state::idle);
  s.client = test::ice_client(ice::make_credentials(), fresh);
  REQUIRE_FALSE(s.set(s.remote()));
  REQUIRE(s.machine.state() == path_state::waiting);
  REQUIRE_FALSE(s.machine.destination());
  REQUIRE(s.data(1) == verdict::dropped);
  const auto current = s.client;
  s.client = old;
  s.check(1, true);
  REQUIRE(s.machine.state() == path_state::waiting);
  REQUIRE(s.data(1) == verdict::dropped);
  s.client = current;
  s.check(2, true);
  REQUIRE(s.machine.state() == path_state::open);
  REQUIRE(s.sends_to(2));
  REQUIRE(s.data(2) == verdict::application);
}

TEST_CASE("a fixed peer that is replaced has to be told anew") {
  script s;
  REQUIRE_FALSE(s.set(s.plain(1)));
  s.heard(1);
  s.machine.begin_anew();
  REQUIRE(s.machine.state() == path_state::idle);
  REQUIRE_FALSE(s.machine.destination());
  REQUIRE_FALSE(s.set(s.plain(2)));
  REQUIRE(s.sends_to(2));
  REQUIRE(s.data(1) == verdict::dropped);
}

TEST_CASE("Firefox behind a NAT that moves it: plain checks and data from a new port take the call along") {
  script s;
  REQUIRE_FALSE(s.set(s.remote()));
  s.check(1, true);
  for (int i = 0; i < 4; ++i) {
    s.pass(5s);
    s.check(1);
    s.heard(1);
  }
  // The NAT gives it another port: it sends from there, and checks every five seconds, without a nomination.
  s.pass(500ms);
  REQUIRE(s.data(2) == verdict::dropped);
  s.pass(1s);
  REQUIRE(s.check(2) == verdict::answer);
  REQUIRE(s.sends_to(1));
  s.pass(1s);
  REQUIRE(s.data(2) == verdict::application);
  s.heard(2);
  REQUIRE(s.sends_to(2));
  REQUIRE(s.machine.deadline() == s.now + 30s);
}

TEST_CASE("the same without data: the checks alone take the call along before consent would be lost") {
  script s;
  REQUIRE_FALSE(s.set(s.remote()));
  s.check(1, true);
  for (int i = 0; i < 20; ++i) {
    s.pass(5s);
    s.check(2);
    REQUIRE(s.machine.state() == path_state::open);
  }
  REQUIRE(s.sends_to(2));
}

TEST_CASE("checks from elsewhere do not keep up a route that is dead") {
  script s;
  REQUIRE_FALSE(s.set(s.remote()));
  s.check(1, true);
  s.pass(5s);
  s.check(2);
  s.pass(25s);
  REQUIRE(s.machine.state() == path_state::lost);
}

TEST_CASE("a stranger's DTLS takes over nothing, with and without ICE") {
  script s(true);
  REQUIRE_FALSE(s.set(s.remote()));
  s.check(1, true);
  s.pass(10s);
  REQUIRE(s.data(2) == verdict::dropped);
  s.heard(2);
  REQUIRE(s.sends_to(1));

  script plain(false);
  REQUIRE_FALSE(plain.set(plain.plain(1)));
  REQUIRE(plain.machine.state() == path_state::open);
  REQUIRE(plain.data(2) == verdict::dropped);
  REQUIRE(plain.data(1) == verdict::application);
  REQUIRE_FALSE(plain.machine.deadline());
}

TEST_CASE("latching moves an established path only by what DTLS has authenticated") {
  script s(false);
  REQUIRE_FALSE(s.set(s.plain(1)));
  s.data(1);
  s.heard(1);
  s.machine.latch(true);
  for (std::uint16_t port = 100; port < 200; ++port) {
    REQUIRE(s.data(port) == verdict::application);  // for DTLS to judge
    REQUIRE(s.sends_to(1));
  }
  auto octet = std::vector<std::byte>{std::byte{0x16}};
  REQUIRE(s.machine.receive(octet, at(9), s.now) == verdict::dropped);
  s.heard(1);
  REQUIRE(s.sends_to(1));
  REQUIRE_FALSE(s.machine.take_latched());
  s.heard(2);
  REQUIRE(s.sends_to(2));
  REQUIRE(s.machine.take_latched() == at(2));
  REQUIRE_FALSE(s.machine.take_latched());
  REQUIRE(s.data(3) == verdict::dropped);  // once
}

TEST_CASE("latching during the handshake answers whoever spoke last, and the known address when it is off") {
  script s(false);
  REQUIRE_FALSE(s.set(s.plain(1)));
  s.machine.latch(false);
  REQUIRE(s.sends_to(1));
  s.data(2);
  REQUIRE(s.sends_to(2));
  s.data(3);
  REQUIRE(s.sends_to(3));
  s.data(2);
  s.heard(2);
  REQUIRE(s.sends_to(2));
  REQUIRE(s.machine.take_latched() == at(2));
}

TEST_CASE("a latch that is taken back leaves the remote address alone") {
  script s(false);
  REQUIRE_FALSE(s.set(s.plain(1)));
  s.machine.latch(false);
  s.data(2);
  s.machine.latch_off();
  REQUIRE(s.sends_to(1));
  REQUIRE(s.data(2) == verdict::dropped);
}

TEST_CASE("a peer that takes to ICE later is watched from then on, and served at its address until it nominates") {
  script s;
  REQUIRE_FALSE(s.set(s.plain(1)));
  REQUIRE(s.sends_to(1));
  s.pass(10min);
  REQUIRE_FALSE(s.set(s.remote()));
  REQUIRE(s.sends_to(1));
  REQUIRE(s.data(1) == verdict::application);
  REQUIRE(s.machine.deadline() == s.now + 30s);
  SECTION("it nominates") {
    s.check(2, true);
    REQUIRE(s.sends_to(2));
    s.pass(20s);
    REQUIRE(s.machine.deadline() == s.now + 10s);
  }
  SECTION("it never does") {
    s.pass(30s);
    REQUIRE(s.machine.state() == path_state::lost);
  }
}

TEST_CASE("a peer that leaves ICE and takes to it again starts anew") {
  script s;
  REQUIRE_FALSE(s.set(s.remote()));
  s.check(1, true);
  REQUIRE_FALSE(s.set(s.plain(2)));
  REQUIRE(s.sends_to(2));
  s.pass(10min);
  REQUIRE(s.machine.state() == path_state::open);
  REQUIRE_FALSE(s.set(s.remote()));
  REQUIRE(s.sends_to(2));
  s.check(1, true);
  REQUIRE(s.sends_to(1));
  REQUIRE(s.machine.deadline() == s.now + 30s);
}

TEST_CASE("a peer that is to be learnt and takes to ICE has no address before its nomination") {
  script s;
  REQUIRE_FALSE(s.set(s.plain(1)));
  REQUIRE_FALSE(s.set(s.remote()));
  auto learnt = ice::remote_parameters();
  learnt.latching = true;
  REQUIRE_FALSE(s.set(learnt));
  REQUIRE(s.machine.state() == path_state::waiting);
  REQUIRE_FALSE(s.set(s.remote()));
  REQUIRE(s.machine.state() == path_state::waiting);
  REQUIRE_FALSE(s.machine.destination());
}
