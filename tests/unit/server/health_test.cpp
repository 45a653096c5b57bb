#include "health.hpp"

#include <sys/resource.h>

#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "agw/core/until.hpp"
#include "descriptors.hpp"

using namespace agw;
using namespace agw::server;
using namespace std::chrono_literals;
using net_tcp = asio::ip::tcp;

namespace {

health_facts good() {
  health_facts out;
  out.registered = true;
  out.contexts = {5, 10};
  out.udp_ports = out.tcp_ports = {3, 100};
  out.descriptors = {40, 1024};
  return out;
}

std::string get(const net_tcp::endpoint& from, const std::string& path) {
  asio::io_context io;
  net_tcp::socket s(io);
  s.connect(from);
  asio::write(s, asio::buffer("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  std::string out;
  boost::system::error_code ec;
  asio::read(s, asio::dynamic_buffer(out), ec);
  return out;
}

}  // namespace

TEST_CASE("a gateway that is registered and has room is ready") {
  CHECK(not_ready(good()).empty());
  CHECK(readyz(good()).status == 200);
  CHECK(readyz(good()).body == "{\"ready\":true,\"reasons\":[]}\n");
  CHECK(readyz(good()).content_type == "application/json");
  CHECK(healthz(good()).status == 200);
  CHECK(healthz(good()).body == "{\"status\":\"ok\",\"registered\":true,\"stuck\":[]}\n");
}

TEST_CASE("what keeps a gateway from taking a call is a reason") {
  auto now = good();
  SECTION("no controller") { now.registered = false; }
  SECTION("draining") { now.draining = true; }
  SECTION("contexts") { now.contexts.taken = 10; }
  SECTION("UDP ports") { now.udp_ports.taken = 100; }
  SECTION("TCP ports") { now.tcp_ports.taken = 100; }
  SECTION("an interface") { now.absent = {"interfaces.access.address: 192.0.2.1 is no address of this machine"}; }
  SECTION("descriptors") { now.descriptors.taken = 1021; }
  SECTION("a loop") { now.stuck = {"shard0"}; }
  CHECK(not_ready(now).size() == 1);
  CHECK(readyz(now).status == 503);
}

TEST_CASE("the reasons are told in words") {
  auto now = good();
  now.registered = false;
  now.contexts.taken = 10;
  CHECK(readyz(now).body == "{\"ready\":false,\"reasons\":[\"not registered with a controller\",\"contexts: 10 of 10 are in use\"]}\n");
}

TEST_CASE("a gateway whose loops turn is alive, ready or not") {
  auto now = good();
  now.registered = false;
  now.draining = true;
  CHECK(healthz(now).status == 200);
  now.stuck = {"shard1"};
  CHECK(healthz(now).status == 503);
  CHECK(healthz(now).body == "{\"status\":\"stuck\",\"registered\":false,\"stuck\":[\"shard1\"]}\n");
}

TEST_CASE("a kind of port without a range is never short") { CHECK(use{7, 0}.room_for(1)); }

TEST_CASE("health and readiness answer under a thousand idle connections") {
  constexpr std::size_t idle_connections = 1000;
  if (raise_descriptor_limit() < 3 * idle_connections) return;
  asio::io_context loop(1);
  http::server_config config;
  config.address = net_tcp::endpoint(asio::ip::address_v4::loopback(), 0);
  http::server http(loop.get_executor(), config);
  server::add_health(http, [] { return good(); });
  const auto at = http.listen();
  REQUIRE(at.has_value());
  asio::cancellation_signal stop;
  asio::co_spawn(loop, http.run(), asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
  std::thread serving([&] { loop.run(); });
  asio::io_context io;
  std::vector<net_tcp::socket> idle;
  for (std::size_t i = 0; i < idle_connections; ++i) {
    // Of several hosts, as a port scan from everywhere: none of these connections says anything.
    net_tcp::socket s(io);
    s.open(net_tcp::v4());
    s.bind(net_tcp::endpoint(asio::ip::make_address_v4("127.0." + std::to_string(i % 10) + ".9"), 0));
    boost::system::error_code ec;
    s.connect(*at, ec);
    REQUIRE_FALSE(ec);
    idle.push_back(std::move(s));
  }
  const auto health = get(*at, "/healthz");
  const auto ready = get(*at, "/readyz");
  asio::post(loop, [&] { stop.emit(asio::cancellation_type::terminal); });
  serving.join();
  CHECK(health.starts_with("HTTP/1.1 200"));
  CHECK(ready.starts_with("HTTP/1.1 200"));
  CHECK(ready.find("{\"ready\":true,\"reasons\":[]}") != std::string::npos);
}
