// An ICE endpoint under test, and a peer with a socket of its own that speaks to it by hand.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "agw/transports/ice_stage.hpp"
#include "ice_client.hpp"
#include "support/cause_of.hpp"
#include "support/loop.hpp"
#include "turn.hpp"

namespace agw::test {

using namespace std::chrono_literals;

inline const auto loopback = asio::ip::address_v4::loopback();

inline ice::config on_loopback() {
  ice::config c;
  c.local_address = loopback;
  return c;
}

// A reserved endpoint, and a peer with a socket of its own that speaks ICE to it by hand.
struct ice_fixture {
  explicit ice_fixture(ice::config settings = on_loopback())
      : endpoint(*ice::reserve(context.get_executor(), settings, ports)),
        client(ice::make_credentials(), endpoint->local().credentials),
        socket(*udp::socket::open(context.get_executor(), loopback, ports)) {}

  ice::remote_parameters remote() const {
    ice::remote_parameters r;
    r.credentials = client.own();
    return r;
  }
  void send(const std::vector<std::byte>& datagram) { socket.send(bytes_view(datagram), endpoint->local().address); }
  void send(const check& c) { send(client.compose(c)); }
  awaitable<std::vector<std::byte>> receive() {
    auto arrivals = socket.receive();
    while (arrivals.empty()) {
      co_await socket.wait_readable();
      arrivals = socket.receive();
    }
    co_return std::vector<std::byte>(arrivals[0].bytes.begin(), arrivals[0].bytes.end());
  }

  asio::io_context context{1};
  port_pool ports{0, 0};
  std::unique_ptr<ice::endpoint> endpoint;
  ice_client client;
  udp::socket socket;
};

inline awaitable<void> receive_one(datagram_pipe& path) {
  datagram_batch batch;
  co_await path.receive(batch);
}

}  // namespace agw::test
