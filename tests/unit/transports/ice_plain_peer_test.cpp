// Peers without checks: at a given address, learnt, or lite.
#include "ice_fixture.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::ice_fixture;
using test::loopback;
using test::on_loopback;

TEST_CASE("without ICE datagrams go to the given address and only its are taken") {
  auto settings = on_loopback();
  settings.use_ice = false;
  ice_fixture f(settings);
  REQUIRE(f.endpoint->local().candidates.empty());
  REQUIRE(f.endpoint->local().credentials.ufrag.empty());
  const auto unverified = drops("ice", "unverified");
  test::run(f.context, [&]() -> awaitable<void> {
    task_group tasks(co_await asio::this_coro::executor, "call");
    ice::remote_parameters remote;
    remote.address = f.socket.local();
    auto path = co_await ice::connect(tasks, *f.endpoint, remote);
    REQUIRE(tasks.empty());  // without ICE there is no consent
    datagram_batch batch;
    batch.push(test::dtls_like(7));
    path->send(batch);
    const auto sent = co_await f.receive();
    REQUIRE(sent == test::dtls_like(7));
    auto stranger = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
    const auto foreign = test::dtls_like(8);
    stranger.send(bytes_view(foreign), f.endpoint->local().address);
    f.send(test::dtls_like(9));
    batch.clear();
    co_await path->receive(batch);
    REQUIRE(batch.size() == 1);
    REQUIRE(batch[0][1] == std::byte{9});
  });
  REQUIRE(drops("ice", "unverified") == unverified + 1);
}

TEST_CASE("latching answers the source of the last handshake datagram, and keeps to the one that DTLS authenticates") {
  auto settings = on_loopback();
  settings.use_ice = false;
  ice_fixture f(settings);
  std::vector<udp::endpoint> latched;
  f.endpoint->on_latched = [&](const udp::endpoint& e) { latched.push_back(e); };
  test::run(f.context, [&]() -> awaitable<void> {
    task_group tasks(co_await asio::this_coro::executor, "call");
    ice::remote_parameters remote;
    remote.latching = true;
    auto stranger = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
    f.send(std::vector<std::byte>(20, std::byte{0x80}));
    f.send(test::record_like(1));
    auto path = co_await ice::connect(tasks, *f.endpoint, remote);
    REQUIRE(f.endpoint->remote_address() == f.socket.local());
    datagram_batch batch;
    co_await path->receive(batch);
    const auto foreign = test::record_like(8);
    stranger.send(bytes_view(foreign), f.endpoint->local().address);
    batch.clear();
    co_await path->receive(batch);  // for DTLS to judge, which is silent
    f.send(test::record_like(2));
    batch.clear();
    co_await path->receive(batch);
    f.endpoint->heard();
    REQUIRE(f.endpoint->remote_address() == f.socket.local());
    REQUIRE(latched == std::vector<udp::endpoint>{f.socket.local()});
    stranger.send(bytes_view(foreign), f.endpoint->local().address);
    f.send(test::record_like(3));
    batch.clear();
    co_await path->receive(batch);
    REQUIRE(batch.size() == 1);
    REQUIRE(batch[0][3] == std::byte{3});
  });
}

TEST_CASE("a lite peer is taken at its best candidate, as neither side checks") {
  ice_fixture f;
  test::run(f.context, [&]() -> awaitable<void> {
    task_group tasks(co_await asio::this_coro::executor, "call");
    auto remote = f.remote();
    remote.lite = true;
    ice::candidate best;
    best.foundation = "1";
    best.priority = 2000;
    best.address = f.socket.local();
    remote.candidates = {"nonsense", "2 1 UDP 1000 127.0.0.1 1 typ host", ice::format_candidate(best)};
    auto path = co_await ice::connect(tasks, *f.endpoint, remote);
    datagram_batch batch;
    batch.push(test::dtls_like(7));
    path->send(batch);
    const auto sent = co_await f.receive();
    REQUIRE(sent == test::dtls_like(7));
    co_await tasks.stop();
  });
}
