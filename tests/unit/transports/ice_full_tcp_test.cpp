// A full agent over TCP: against another full agent whose datagrams a tunnel carries in frames, and against peers by hand.
#include "agw/core/sockets.hpp"
#include "ice_full_tcp.hpp"
#include "support/ice_told.hpp"

using namespace agw;
using namespace agw::test::full_tcp;
using namespace std::chrono_literals;
using test::closed;
using test::receive;
using test::send;
using test::told;

TEST_CASE("with tcp a full agent has one passive candidate behind those of UDP, with the address that is shown and a port of the range") {
  asio::io_context context(1);
  for (std::uint16_t low = 42000; low < 60000; low = static_cast<std::uint16_t>(low + 7)) {
    port_pool ports(low, low);
    auto settings = full();
    settings.advertised_address = asio::ip::make_address("203.0.113.9");
    const auto e = ice::reserve(context.get_executor(), settings, ports);
    if (e.has_error()) continue;
    const auto& lines = (*e)->local().candidates;
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].find(" UDP ") != std::string::npos);
    CHECK(lines[1] == "tcp 1 TCP 1520435199 203.0.113.9 " + std::to_string(low) + " typ host tcptype passive");
    CHECK((*ice::parse_candidate(lines[0]))->priority > 1520435199);
    CHECK(ports.leased(port_protocol::tcp) == 1);
    return;
  }
  FAIL("no port is free");
}

TEST_CASE("two full agents meet over TCP alone, and datagrams pass both ways in frames") {
  const bool controlling = GENERATE(false, true);
  const auto address = asio::ip::make_address(GENERATE(as<std::string>{}, "127.0.0.1", "127.0.0.2", "::1"));
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(controlling, true, address), ports);
  auto b = *ice::reserve(executor, full(!controlling, false, address), ports);
  std::vector<udp::endpoint> reflexive;
  a->on_peer_reflexive = [&](const udp::endpoint& found) { reflexive.push_back(found); };
  tunnel between(executor, ports, *a);
  call(context, [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("out", [&] { return between.outwards(); });
    tasks.spawn("in", [&] { return between.inwards(); });
    auto of_a = told(*a);
    of_a.candidates = {udp_candidate(between.inner.local())};
    auto of_b = told(*b);
    of_b.candidates = {"1 1 TCP 1518149375 127.0.0.1 9 typ host tcptype active"};
    std::unique_ptr<datagram_pipe> path_a;
    std::unique_ptr<datagram_pipe> path_b;
    task_group both(executor, "both");
    both.spawn("a", [&]() -> awaitable<void> { path_a = co_await ice::connect(tasks, *a, of_b); });
    both.spawn("b", [&]() -> awaitable<void> { path_b = co_await ice::connect(tasks, *b, of_a); });
    co_await both.join();
    CHECK(a->remote_address() == address_of(between.outer));
    CHECK(b->remote_address() == between.inner.local());
    co_await exchange(*path_a, *path_b, 1);
    co_await exchange(*path_b, *path_a, 100);
    CHECK(between.frames_in >= 50);
    CHECK(a->counted().datagrams_in >= 50);
    CHECK(reflexive == std::vector<udp::endpoint>{address_of(between.outer)});
  });
}

TEST_CASE("a full agent's answer over TCP names the address that the connection comes from") {
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(), ports);
  peer p(*a);
  auto s = dial(executor, *a);
  call(context, [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("connect", [&]() -> awaitable<void> { (void)co_await ice::connect(tasks, *a, p.remote()); });
    const auto mapped = co_await checked(s, p);
    CHECK(mapped == address_of(s));
  });
}

namespace {

// Not the address of a leg, which would look as if a NAT had moved the peer.
const asio::ip::address elsewhere = asio::ip::make_address("127.0.0.3");

// A peer with a UDP socket and a TCP connection; each answers checks while it lives.
struct two_ways {
  two_ways(loop_executor executor, port_pool& ports, const ice::endpoint& gateway)
      : by_hand(gateway), at(gateway.local().address), udp_socket(*udp::socket::open(executor, elsewhere, ports)), stream(dial(executor, gateway)) {}

  awaitable<void> over_udp() {
    for (;;) {
      for (auto all = udp_socket.receive(); !all.empty(); all = udp_socket.receive()) {
        for (const auto& a : all) {
          if (!udp_lives) continue;
          if (a.bytes[0] == std::byte{22}) ++data_by_udp;
          const auto answer = by_hand.answer(a.bytes, at);
          if (!answer.empty()) udp_socket.send(bytes_view(answer), at);
        }
      }
      co_await udp_socket.wait_readable();
    }
  }
  awaitable<void> over_tcp() {
    try {
      for (;;) {
        const auto got = co_await receive(stream);
        if (got[0] == std::byte{22}) ++data_by_tcp;
        const auto answer = by_hand.answer(got, at);
        if (!answer.empty()) send(stream, answer);
      }
    } catch (const system_error& e) {
      if (e.code() != asio::error::operation_aborted && e.code() != asio::error::bad_descriptor) throw;
    }
  }
  void nominate_udp() {
    const auto check = by_hand.check(true, 0x6E0000FF);
    udp_socket.send(bytes_view(check), at);
  }
  void nominate_tcp() { send(stream, by_hand.check(true)); }

  peer by_hand;
  udp::endpoint at;
  udp::socket udp_socket;
  tcp_socket stream;
  bool udp_lives = true;
  unsigned data_by_udp = 0;
  unsigned data_by_tcp = 0;
};

}  // namespace

TEST_CASE("a full agent moves from UDP to TCP when the peer nominates that and UDP is silent, and back") {
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(), ports);
  two_ways p(executor, ports, *a);
  std::unique_ptr<datagram_pipe> path;
  call(context, [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("udp", [&] { return p.over_udp(); });
    tasks.spawn("tcp", [&] { return p.over_tcp(); });
    tasks.spawn("connect", [&]() -> awaitable<void> { path = co_await ice::connect(tasks, *a, p.by_hand.remote()); });
    while (!path) {
      p.nominate_udp();
      co_await sleep_until(deadline_after(50ms));
    }
    REQUIRE(a->remote_address() == p.udp_socket.local());
    // Both live: UDP stays.
    datagram_batch batch;
    for (int i = 0; i < 6; ++i) {
      p.nominate_udp();
      p.nominate_tcp();
      (void)co_await within(deadline_after(500ms), path->receive(batch));
    }
    REQUIRE(a->remote_address() == p.udp_socket.local());

    p.udp_lives = false;
    const auto silent_since = clock::now();
    const auto tcp_address = address_of(p.stream);
    while (a->remote_address() != tcp_address) {
      p.nominate_tcp();
      (void)co_await within(deadline_after(100ms), path->receive(batch));
    }
    CHECK(clock::now() - silent_since < 5s);  // libnice takes longer to see that UDP is lost
    batch.clear();
    batch.push(test::dtls_like(2));
    path->send(batch);
    while (p.data_by_tcp == 0) co_await sleep_until(deadline_after(10ms));
    send(p.stream, test::dtls_like(3));
    batch.clear();
    while (batch.empty()) co_await path->receive(batch);
    CHECK(batch[0][1] == std::byte{3});

    p.udp_lives = true;
    p.stream.close();
    const auto before = p.data_by_udp;
    while (p.data_by_udp == before) {
      p.nominate_udp();
      batch.clear();
      batch.push(test::dtls_like(4));
      path->send(batch);
      batch.clear();
      (void)co_await within(deadline_after(100ms), path->receive(batch));
    }
    CHECK(a->remote_address() == p.udp_socket.local());
  });
}

TEST_CASE("a full agent that controls follows what the peer sends by TCP while UDP is silent, and returns when the connection ends") {
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(true), ports);
  two_ways p(executor, ports, *a);
  p.by_hand.controlled = true;
  std::unique_ptr<datagram_pipe> path;
  call(context, [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("udp", [&] { return p.over_udp(); });
    tasks.spawn("tcp", [&] { return p.over_tcp(); });
    auto remote = p.by_hand.remote();
    remote.candidates = {udp_candidate(p.udp_socket.local())};
    path = co_await ice::connect(tasks, *a, remote);
    REQUIRE(a->remote_address() == p.udp_socket.local());
    p.udp_lives = false;
    const auto tcp_address = address_of(p.stream);
    datagram_batch batch;
    while (a->remote_address() != tcp_address) {
      send(p.stream, p.by_hand.check());
      send(p.stream, test::dtls_like(1));
      (void)co_await within(deadline_after(100ms), path->receive(batch));
    }
    p.udp_lives = true;
    p.stream.close();
    const auto before = p.data_by_udp;
    while (p.data_by_udp == before) {
      batch.clear();
      batch.push(test::dtls_like(4));
      path->send(batch);
      co_await sleep_until(deadline_after(100ms));
    }
    CHECK(a->remote_address() == p.udp_socket.local());
  });
}

TEST_CASE("consent is lost with the only connection") {
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(), ports);
  two_ways p(executor, ports, *a);
  std::unique_ptr<datagram_pipe> path;
  std::string why;
  try {
    call(context, [&](task_group& tasks) -> awaitable<void> {
      tasks.spawn("tcp", [&] { return p.over_tcp(); });
      tasks.spawn("connect", [&]() -> awaitable<void> { path = co_await ice::connect(tasks, *a, p.by_hand.remote()); });
      while (!path) {
        p.nominate_tcp();
        co_await sleep_until(deadline_after(50ms));
      }
      p.stream.close();
      co_await sleep_until(deadline_after(60s));
    });
  } catch (const stage_error& e) {
    why = e.what();
  }
  CHECK(why.find("consent") != std::string::npos);
}
