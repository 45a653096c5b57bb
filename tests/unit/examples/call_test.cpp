// "lines" in a call: a WIC with DTLS and SCTP, a gateway, a TCP peer.
#include <boost/asio/write.hpp>

#include "agw/core/sockets.hpp"
#include "agw/examples/stages.hpp"
#include "unit/gateway/call.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

TEST_CASE("a call with subprotocol lines passes lines both ways, counts them, and ends when the core hangs up") {
  rig r;
  examples::add_stages(r.services.subprotocols);
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    c.adjust = [](termination_change& wanted) { std::get<channel_local>(*wanted.streams.at(s2).local).subprotocol = "lines"; };
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      const std::string hello = "hello";
      const auto bytes = std::as_bytes(std::span(hello.data(), hello.size()));
      co_await c.channel->send(bytes, message_kind::text);
      const auto heard = co_await c.core_hears("\n");
      CHECK(heard == "hello\n");
      const std::string reply = "welcome\r\nback\n";
      co_await asio::async_write(c.core, asio::buffer(reply), use_awaitable);
      std::vector<message> got;
      while (got.size() < 2) co_await c.channel->receive(got);
      REQUIRE(got.size() == 2);
      CHECK(got[0].kind == message_kind::text);
      CHECK(read_all(got) == "welcomeback");
      c.core.shutdown(tcp_socket::shutdown_send);
      const auto gone = co_await r.event_of("tcp", gateway_event::kind::released);
      CHECK(gone.termination == core_side);
      const auto counted = co_await gateway.remove(access_side);
      REQUIRE(counted.contains(s2));
      CHECK(counted.at(s2).messages_received == 1);
      CHECK(counted.at(s2).octets_received == 5);
      CHECK(counted.at(s2).messages_sent == 2);
      CHECK(counted.at(s2).octets_sent == 11);
    });
  });
}

TEST_CASE("what is no line ends the channel's stage in the controller's words") {
  rig r;
  examples::add_stages(r.services.subprotocols);
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    c.adjust = [](termination_change& wanted) { std::get<channel_local>(*wanted.streams.at(s2).local).subprotocol = "lines"; };
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      co_await c.say("a binary message");
      const auto failed = co_await r.event_of("lines", gateway_event::kind::failed);
      CHECK(failed.cause == "lines:syntax");
      CHECK(failed.termination == access_side);
    });
  });
}
