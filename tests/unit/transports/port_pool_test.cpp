#include <set>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <catch2/catch.hpp>

#include "agw/core/sockets.hpp"
#include "agw/transports/error.hpp"
#include "agw/transports/port_pool.hpp"

using namespace agw;

namespace {

error_code bind_nothing(std::uint16_t) { return {}; }

}  // namespace

TEST_CASE("a pool hands out each port of its range once, in turn, and then says that none is left") {
  port_pool pool(40000, 40003);
  std::vector<port_lease> leases;
  for (std::uint16_t port = 40000; port <= 40003; ++port) {
    auto lease = pool.bind(port_protocol::udp, bind_nothing);
    REQUIRE(lease.has_value());
    REQUIRE(lease->port() == port);
    leases.push_back(std::move(*lease));
  }
  REQUIRE(pool.leased() == 4);
  REQUIRE(pool.bind(port_protocol::udp, bind_nothing).error() == transport_error::no_port);
}

TEST_CASE("UDP and TCP ports of one number are leased apart") {
  port_pool pool(40000, 40000);
  auto udp = pool.bind(port_protocol::udp, bind_nothing);
  auto tcp = pool.bind(port_protocol::tcp, bind_nothing);
  REQUIRE(udp.has_value());
  REQUIRE(tcp.has_value());
  REQUIRE(tcp->port() == udp->port());
}

TEST_CASE("a port that was given back rests until the others had their turn") {
  port_pool pool(40000, 40002);
  { auto first = pool.bind(port_protocol::udp, bind_nothing); }
  REQUIRE(pool.leased() == 0);
  std::vector<std::uint16_t> seen;
  for (int i = 0; i < 3; ++i) {
    auto lease = pool.bind(port_protocol::udp, bind_nothing);
    seen.push_back(lease->port());
  }
  REQUIRE(seen == std::vector<std::uint16_t>{40001, 40002, 40000});
}

TEST_CASE("ports that others hold are passed over, any other error ends the search") {
  port_pool pool(40000, 40009);
  auto held = [](std::uint16_t port) { return port < 40004 ? error_code(asio::error::address_in_use) : error_code(); };
  auto lease = pool.bind(port_protocol::udp, held);
  REQUIRE(lease.has_value());
  REQUIRE(lease->port() == 40004);
  REQUIRE(pool.leased() == 1);

  int calls = 0;
  auto denied = [&](std::uint16_t) {
    ++calls;
    return error_code(asio::error::access_denied);
  };
  REQUIRE(pool.bind(port_protocol::udp, denied).error() == asio::error::access_denied);
  REQUIRE(calls == 1);
  auto none = [](std::uint16_t) { return error_code(asio::error::address_in_use); };
  REQUIRE(pool.bind(port_protocol::udp, none).error() == transport_error::no_port);
  REQUIRE(pool.leased() == 1);
}

TEST_CASE("a lease is moved, not copied, and may outlive its pool") {
  port_lease kept;
  {
    port_pool pool(40000, 40001);
    kept = *pool.bind(port_protocol::tcp, bind_nothing);
    port_lease other = std::move(kept);
    REQUIRE(kept.port() == 0);
    kept = std::move(other);
    REQUIRE(pool.leased() == 1);
  }
  REQUIRE(kept.port() == 40000);
}

TEST_CASE("without a range the kernel chooses") {
  asio::io_context context;
  port_pool pool(0, 0);
  udp_socket s(context);
  auto bind = [&](std::uint16_t port) {
    error_code error;
    s.open(asio::ip::udp::v4(), error);
    s.bind(asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), port), error);
    return error;
  };
  auto lease = pool.bind(port_protocol::udp, bind);
  REQUIRE(lease.has_value());
  REQUIRE(lease->port() == 0);
  REQUIRE(s.local_endpoint().port() != 0);
  REQUIRE(pool.leased() == 0);
}

TEST_CASE("a range upside down or with port 0 in it is refused") {
  REQUIRE_THROWS_AS(port_pool(2, 1), std::invalid_argument);
  REQUIRE_THROWS_AS(port_pool(0, 1), std::invalid_argument);
}

TEST_CASE("threads never get the same port") {
  port_pool pool(40000, 40199);
  std::vector<std::vector<port_lease>> leases(4);
  std::vector<std::thread> threads;
  for (auto& mine : leases) {
    threads.emplace_back([&pool, &mine] {
      for (int i = 0; i < 50; ++i) mine.push_back(*pool.bind(port_protocol::udp, bind_nothing));
    });
  }
  for (auto& t : threads) t.join();
  std::set<std::uint16_t> ports;
  for (const auto& mine : leases) {
    for (const auto& lease : mine) ports.insert(lease.port());
  }
  REQUIRE(ports.size() == 200);
}
