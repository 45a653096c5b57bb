// An MGC that is configured by its name.
#include <string>

#include <catch2/catch.hpp>

#include "name_server.hpp"
#include "registration_house.hpp"

using namespace agw;
using namespace agw::h248;
using namespace std::chrono_literals;
using namespace agw::h248::test;

namespace {

/// What comes over sockets comes in its own time, while that of the house stands still.
void turn_until(house& h, const std::function<bool()>& done) {
  for (int i = 0; i < 5000 && !done(); ++i) {
    h.context.restart();
    h.context.run_for(1ms);
  }
}

std::vector<name_server::record> service(const char* host) { return {{ns_t_srv, 60, srv(1, 0, 2944, host)}}; }

}  // namespace

TEST_CASE("an MGC with a name is where DNS says, and where DNS says by then when it is lost") {
  house h;
  name_server server(h.context.get_executor());
  server.records["_megaco-h248._udp.mgc.test"] = service("a.test");
  server.records["a.test"] = {{ns_t_a, 60, a("10.0.0.1")}};
  h.spawn([&]() -> awaitable<void> { co_await server.run(); });
  auto& first = h.add("10.0.0.1");
  auto& second = h.add("10.0.0.2");
  h.options.mgcs = {peer_name::parse("mgc.test").value()};
  h.options.dns.servers = server.address();
  auto& registration = h.start();
  turn_until(h, [&] { return registration.state() == registration_state::registered; });
  REQUIRE(registration.mgc() == first.address);
  REQUIRE(first.changes == std::vector{gateway_change::restarted});
  REQUIRE(server.asked.front() == "_megaco-h248._udp.mgc.test SRV");

  server.records["_megaco-h248._udp.mgc.test"] = service("b.test");
  server.records["b.test"] = {{ns_t_a, 60, a("10.0.0.2")}};
  h.network.cut_off.insert(first.address.host);
  const auto moved = [&] { return registration.state() == registration_state::registered && registration.mgc() == second.address; };
  for (int seconds = 0; seconds < 600 && !moved(); ++seconds) {
    h.time.advance(1s);
    h.context.restart();
    h.context.run_for(2ms);
  }
  turn_until(h, moved);
  REQUIRE(moved());
  REQUIRE(second.changes.size() == 1);
}

TEST_CASE("a name that DNS does not know is asked for again, until it does") {
  house h;
  name_server server(h.context.get_executor());
  h.spawn([&]() -> awaitable<void> { co_await server.run(); });
  auto& mgc = h.add("10.0.0.1");
  h.options.mgcs = {peer_name::parse("mgc.test").value()};
  h.options.dns.servers = server.address();
  auto& registration = h.start();
  turn_until(h, [&] { return server.asked.size() >= 2; });
  REQUIRE(registration.state() != registration_state::registered);
  server.records["mgc.test"] = {{ns_t_a, 60, a("10.0.0.1")}};
  for (int seconds = 0; seconds < 600 && registration.state() != registration_state::registered; ++seconds) {
    h.time.advance(1s);
    h.context.restart();
    h.context.run_for(2ms);
  }
  REQUIRE(registration.state() == registration_state::registered);
  REQUIRE(registration.mgc() == mgc.address);
}
