#include "agw/http/server.hpp"

#include <catch2/catch.hpp>

#include "../../../apps/http/src/connection_table.hpp"
#include "agw/core/sockets.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;
using phase = http::connection_table::phase;

namespace {

// Connections of hosts, without a network.
struct fixture {
  explicit fixture(std::size_t all, std::size_t host) {
    config.max_connections = all;
    config.max_host_connections = host;
  }
  bool connect(const char* host) {
    clock.advance(1s);
    const auto key = http::connection_table::host_of(asio::ip::make_address(host));
    if (!table.make_room(key)) return false;
    open.push_back(std::make_unique<http::connection_table::entry>(table, tcp_socket(context), key));
    return true;
  }
  asio::io_context context{1};
  test::manual_clock clock{context};
  http::server_config config;
  http::connection_table table{config};
  std::vector<std::unique_ptr<http::connection_table::entry>> open;
};

}  // namespace

TEST_CASE("a host that has its share loses its own idle connection, not another host's") {
  fixture f(10, 2);
  REQUIRE(f.connect("192.0.2.9"));
  REQUIRE(f.connect("192.0.2.1"));
  REQUIRE(f.connect("192.0.2.1"));
  f.open[1]->set(phase::answering);
  f.open[2]->set(phase::answering);
  CHECK_FALSE(f.connect("192.0.2.1"));  // none of its own is idle
  f.open[1]->set(phase::waiting);
  CHECK(f.connect("192.0.2.1"));
}

TEST_CASE("a server that is full closes the connection that has been idle for longest") {
  fixture f(2, 2);
  REQUIRE(f.connect("192.0.2.1"));
  REQUIRE(f.connect("192.0.2.2"));
  f.clock.advance(1s);
  f.open[0]->set(phase::waiting);  // has just been answered
  REQUIRE(f.connect("192.0.2.3"));
  f.open[0]->set(phase::answering);
  f.open[2]->set(phase::answering);
  CHECK_FALSE(f.connect("192.0.2.4"));  // the second one is on its way out already
}

TEST_CASE("connections that are on their way out are bounded, too") {
  fixture f(4, 4);
  std::size_t taken = 0;
  for (int i = 0; i < 100; ++i) taken += f.connect("192.0.2.1") ? 1 : 0;
  CHECK(taken == 8);
}

TEST_CASE("a WebSocket never gives way, and there are only so many of them") {
  fixture f(10, 10);
  f.config.max_websockets = 3;
  f.config.max_host_websockets = 2;
  for (const auto host : {"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"}) REQUIRE(f.connect(host));
  CHECK(f.open[0]->upgrade());
  CHECK(f.open[1]->upgrade());
  CHECK_FALSE(f.open[2]->upgrade());  // of one host
  CHECK(f.open[3]->upgrade());
  CHECK_FALSE(f.open[4]->upgrade());  // of all
  f.config.max_connections = 5;
  f.open[2]->set(phase::answering);
  f.open[4]->set(phase::answering);
  CHECK_FALSE(f.connect("192.0.2.4"));
}

TEST_CASE("a host is an IPv4 address in either form, or the network of an IPv6 address") {
  const auto host = [](const char* text) { return http::connection_table::host_of(asio::ip::make_address(text)); };
  CHECK(host("::ffff:192.0.2.1") == host("192.0.2.1"));
  CHECK(host("192.0.2.1") != host("192.0.2.2"));
  CHECK(host("2001:db8::1") == host("2001:db8::ffff:1"));
  CHECK(host("2001:db8::1") != host("2001:db8:0:1::1"));
}
