#include <sys/socket.h>

#include <netinet/in.h>

#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>

#include "agw/core/metrics.hpp"
#include "agw/core/sockets.hpp"
#include "rig.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

using kind = gateway_event::kind;

/// The traffic class of the packet that completed the handshake, as the kernel of the accepting side saw it.
int tos_seen_by(tcp_socket& s) {
  const int on = 1;
  ::setsockopt(s.native_handle(), IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
  alignas(cmsghdr) char control[256];
  socklen_t size = sizeof(control);
  if (::getsockopt(s.native_handle(), IPPROTO_IP, IP_PKTOPTIONS, control, &size) != 0) return -1;
  msghdr h{};
  h.msg_control = control;
  h.msg_controllen = size;
  for (auto* m = CMSG_FIRSTHDR(&h); m != nullptr; m = CMSG_NXTHDR(&h, m)) {
    if (m->cmsg_level == IPPROTO_IP && m->cmsg_type == IP_TOS) return *reinterpret_cast<unsigned char*>(CMSG_DATA(m));
  }
  return -1;
}

/// True when the connection was reset or closed by the gateway.
awaitable<bool> is_refused(tcp_socket& s) {
  char byte = 0;
  error_code error;
  auto buffer = asio::buffer(&byte, 1);
  co_await s.async_read_some(buffer, asio::redirect_error(use_awaitable, error));
  co_return bool(error);
}

}  // namespace

TEST_CASE("an active bearer dials as soon as the remote address is known, without an access side") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto peer = listening(r);
    auto wanted = with_stream(core_side, s2, bearer_change(setup_role::active, peer.local_endpoint().port()));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    CHECK(bearer_of(*answer).port == 9);
    auto accepted = co_await peer.async_accept(use_awaitable);
    co_await r.event_of("tcp", kind::established);
    CHECK(accepted.remote_endpoint().address() == loopback);
  });
}

TEST_CASE("an active bearer whose peer refuses reports tcp:refused") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    std::uint16_t nobody = 0;
    {
      auto closed = listening(r);
      nobody = closed.local_endpoint().port();
    }
    auto wanted = with_stream(core_side, s2, bearer_change(setup_role::active, nobody));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    const auto failed = co_await r.event_of("tcp", kind::failed);
    CHECK(failed.cause == "tcp:refused");
    CHECK(failed.context == context_id{7});
    CHECK(failed.termination == core_side);
    CHECK(gateway.terminations() == 1);  // the gateway removes nothing by itself
  });
}

TEST_CASE("a passive bearer listens from the Reserve on") {
  const auto role = GENERATE(setup_role::passive, setup_role::actpass);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = with_stream(core_side, s2, bearer_change(role));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    const auto port = bearer_of(*answer).port;
    auto early = co_await dial(r, port);  // before Remote is known
    CHECK_FALSE(r.saw("tcp", kind::established));
    auto remote = with_stream(core_side, s2, bearer_change(role, early.local_endpoint().port(), setup_role::active));
    const auto modified = co_await gateway.apply(std::move(remote));
    REQUIRE(modified.has_value());
    co_await r.event_of("tcp", kind::established);
  });
}

TEST_CASE("equal setup roles are a conflict and leave nothing behind") {
  const auto role = GENERATE(setup_role::active, setup_role::passive);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = with_stream(core_side, s2, bearer_change(role, 1000, role));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_error());
    CHECK(answer.error().reason == refusal_reason::conflict);
    CHECK(gateway.terminations() == 0);
  });
  CHECK(r.events.empty());  // the context has ended
}

TEST_CASE("a refused Add gives its ports back") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = with_stream(core_side, s2, bearer_change(setup_role::passive));
    stream_change broken;  // no Local
    broken.mode = stream_mode::send_receive;
    wanted.streams.emplace(s3, broken);
    port_pool one(40000, 40999);
    r.services.ports = &one;
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_error());
    CHECK(answer.error().reason == refusal_reason::missing);
    CHECK(gateway.terminations() == 0);
    CHECK(one.leased() == 0);
    r.services.ports = &r.ports;
  });
}

TEST_CASE("with order=ON the connection waits for the order") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto peer = listening(r);
    auto stream = bearer_change(setup_role::active, peer.local_endpoint().port());
    stream.waits_for_order.emplace(layer::tcp, true);
    auto wanted = with_stream(core_side, s2, stream);
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    // A second stream, without an order, is dialled after this one would have been.
    auto beside = listening(r);
    auto other = with_stream(core_side, s3, bearer_change(setup_role::active, beside.local_endpoint().port()));
    const auto added = co_await gateway.apply(std::move(other));
    REQUIRE(added.has_value());
    co_await r.event_of("tcp", kind::established, s3);
    peer.non_blocking(true);
    error_code error;
    tcp_socket nobody(r.loop);
    peer.accept(nobody, error);
    CHECK(error == asio::error::would_block);
    gateway.order(core_side, s2, layer::tcp);
    co_await r.event_of("tcp", kind::established);
    peer.accept(nobody, error);
    CHECK_FALSE(error);
    co_await gateway.release(core_side, s2, layer::tcp);
    const bool closed = co_await is_refused(nobody);
    CHECK(closed);
  });
}

TEST_CASE("a connection from elsewhere is reset and counted, and the right one is taken") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    const auto before = drops("tcp", "stranger");
    auto wanted = with_stream(core_side, s2, bearer_change(setup_role::passive, 5555));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    const auto port = bearer_of(*answer).port;
    auto stranger = co_await dial(r, port, "127.0.0.2");
    const bool refused = co_await is_refused(stranger);
    CHECK(refused);
    auto known = co_await dial(r, port);
    co_await r.event_of("tcp", kind::established);
    CHECK(drops("tcp", "stranger") == before + 1);
    const auto counted = gateway.statistics(core_side);
    CHECK(counted.at(s2).packets_discarded == 1u);
  });
}

TEST_CASE("a source filter with a prefix takes whom it names, and switched off takes everybody") {
  const bool on = GENERATE(true, false);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto stream = bearer_change(setup_role::passive, 5555);
    stream.settings.emplace();
    stream.settings->filter.emplace();
    stream.settings->filter->by_address = on;
    if (on) {
      stream.settings->filter->range.emplace();
      stream.settings->filter->range->address = asio::ip::make_address("127.0.3.0");
      stream.settings->filter->range->prefix_bits = 24;
    }
    auto wanted = with_stream(core_side, s2, stream);
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    const auto port = bearer_of(*answer).port;
    if (on) {
      auto stranger = co_await dial(r, port, "127.0.0.1");
      const bool refused = co_await is_refused(stranger);
      CHECK(refused);
    }
    auto known = co_await dial(r, port, "127.0.3.9");
    co_await r.event_of("tcp", kind::established);
  });
}

TEST_CASE("latching takes the first connection from anywhere and tells its address") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = with_stream(core_side, s2, bearer_change(setup_role::passive, 5555));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    gateway.latch(core_side, s2, latching::latch);
    auto behind_nat = co_await dial(r, bearer_of(*answer).port, "127.0.0.7");
    const auto learnt = co_await r.event_of("tcp", kind::latched);
    CHECK(learnt.address == asio::ip::make_address("127.0.0.7"));
    CHECK(learnt.port == behind_nat.local_endpoint().port());
    co_await r.event_of("tcp", kind::established);
  });
}

TEST_CASE("a dialled connection comes from the explicit source address and port") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto peer = listening(r);
    std::uint16_t free_port = 0;
    {
      tcp_acceptor probe(r.loop, asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.5"), 0));
      free_port = probe.local_endpoint().port();
    }
    auto stream = bearer_change(setup_role::active, peer.local_endpoint().port());
    stream.settings.emplace();
    stream.settings->source_address = asio::ip::make_address("127.0.0.5");
    stream.settings->source_port = free_port;
    auto wanted = with_stream(core_side, s2, stream);
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    auto accepted = co_await peer.async_accept(use_awaitable);
    CHECK(accepted.remote_endpoint() == asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.5"), free_port));
  });
}

TEST_CASE("the code point is on a connection from its first packet on") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto peer = listening(r);
    auto stream = bearer_change(setup_role::active, peer.local_endpoint().port());
    stream.settings.emplace();
    stream.settings->dscp = 26;
    auto wanted = with_stream(core_side, s2, stream);
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    auto accepted = co_await peer.async_accept(use_awaitable);
    co_await r.event_of("tcp", kind::established);
    CHECK(tos_seen_by(accepted) == 26 << 2);
  });
}
