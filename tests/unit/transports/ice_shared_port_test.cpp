#include <catch2/catch.hpp>

#include "agw/core/metrics.hpp"
#include "agw/transports/ice_stage.hpp"
#include "agw/transports/shared_port.hpp"
#include "ice/lane_table.hpp"
#include "ice_client.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

const auto loopback = asio::ip::address_v4::loopback();

std::vector<std::byte> octets(bytes_view b) { return {b.begin(), b.end()}; }

// A loop with one shared port.
struct fixture {
  fixture() : port(**table.open(context.get_executor(), loopback, ports)) {}

  // The test's body beside the port's reader.
  void run(std::function<awaitable<void>(task_group&)> body) {
    test::run(context, [&]() -> awaitable<void> {
      auto whole = [&](task_group& tasks) -> awaitable<void> {
        tasks.spawn("port", [this] { return port.run(); });
        auto inner = [&](task_group& calls) { return body(calls); };
        co_await with_tasks("calls", inner);
      };
      co_await with_tasks("test", whole);
    });
  }
  ice::config settings() {
    ice::config c;
    c.local_address = loopback;
    c.shared = &table;
    return c;
  }

  asio::io_context context{1};
  port_pool ports{0, 0};
  ice::shared_ports table;
  ice::shared_port& port;
};

// An endpoint on the port, and its peer with a socket.
struct call {
  explicit call(fixture& f)
      : endpoint(*ice::reserve(f.context.get_executor(), f.settings(), f.ports)),
        client(ice::make_credentials(), endpoint->local().credentials),
        to(f.port.local()),
        socket(*udp::socket::open(f.context.get_executor(), loopback, f.ports)) {}

  ice::remote_parameters remote() const {
    ice::remote_parameters r;
    r.credentials = client.own();
    return r;
  }
  void send(const std::vector<std::byte>& datagram, udp::socket& from) { from.send(bytes_view(datagram), to); }
  void send(const std::vector<std::byte>& datagram) { send(datagram, socket); }
  void check(udp::socket& from, bool nominate = false) { send(client.compose(client.valid_check(nominate)), from); }
  void check() { check(socket); }
  awaitable<void> connect(task_group& tasks) {
    check();
    path = co_await ice::connect(tasks, *endpoint, remote());
    co_await came();  // the answer
  }
  awaitable<std::vector<std::byte>> came() {
    for (;;) {
      const auto arrivals = socket.receive();
      if (!arrivals.empty()) co_return octets(arrivals[0].bytes);
      co_await socket.wait_readable();
    }
  }
  awaitable<std::vector<std::byte>> received() {
    datagram_batch batch;
    co_await path->receive(batch);
    REQUIRE(batch.size() == 1);
    co_return octets(batch[0]);
  }

  std::unique_ptr<ice::endpoint> endpoint;
  test::ice_client client;
  udp::endpoint to;
  udp::socket socket;
  std::unique_ptr<datagram_pipe> path;
};

auto dropped(const char* cause) {
  return [before = drops("ice", cause), cause] { return drops("ice", cause) - before; };
}

}  // namespace

TEST_CASE("a check names the ufrag that it is for, and nothing else does") {
  const ice::credentials ours{"ours1234", std::string(24, 'p')};
  test::ice_client client(ice::make_credentials(), ours);
  const auto good = client.compose(client.valid_check());
  REQUIRE(ice::ufrag_of(good) == "ours1234");
  for (std::size_t size = 0; size < good.size(); ++size) REQUIRE(ice::ufrag_of(bytes_view(good).first(size)).empty());
  auto nobody = client.valid_check();
  nobody.username.clear();
  REQUIRE(ice::ufrag_of(client.compose(nobody)).empty());
  nobody.username = "nocolon";
  REQUIRE(ice::ufrag_of(client.compose(nobody)).empty());
  auto indication = client.valid_check();
  indication.kind = STUN_INDICATION;
  REQUIRE(ice::ufrag_of(client.compose(indication)).empty());
  REQUIRE(ice::ufrag_of(test::dtls_like(1)).empty());
  // Whatever it says, it is read within its bounds.
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const unsigned value : {0x00u, 0x7Fu, 0xFFu}) {
      auto changed = good;
      changed[at] = static_cast<std::byte>(value);
      const auto found = ice::ufrag_of(changed);
      const auto* const begin = reinterpret_cast<const char*>(changed.data());
      REQUIRE((found.empty() || (found.data() >= begin && found.data() + found.size() <= begin + changed.size())));
    }
  }
}

TEST_CASE("the calls of a shared port have one address, and each gets its own datagrams") {
  fixture f;
  call one(f), two(f);
  REQUIRE(one.endpoint->local().address == f.port.local());
  REQUIRE(two.endpoint->local().address == f.port.local());
  REQUIRE(f.port.lanes() == 2);
  f.run([&](task_group& tasks) -> awaitable<void> {
    co_await one.connect(tasks);
    co_await two.connect(tasks);
    REQUIRE(one.endpoint->remote_address() == one.socket.local());
    REQUIRE(two.endpoint->remote_address() == two.socket.local());
    one.send(test::dtls_like(1));
    two.send(test::dtls_like(2));
    auto got = co_await two.received();
    REQUIRE(got == test::dtls_like(2));
    got = co_await one.received();
    REQUIRE(got == test::dtls_like(1));
    datagram_batch batch;
    batch.push(test::dtls_like(3));
    one.path->send(batch);
    got = co_await one.came();
    REQUIRE(got == test::dtls_like(3));
    REQUIRE(one.endpoint->counted().datagrams_in == 2);
    REQUIRE(two.endpoint->counted().datagrams_out == 1);
  });
  two.endpoint.reset();
  REQUIRE(f.port.lanes() == 1);
}

TEST_CASE("what is nobody's is dropped and counted") {
  fixture f;
  call one(f);
  const auto strange = dropped("unverified"), unknown = dropped("unknown-ufrag");
  f.run([&](task_group& tasks) -> awaitable<void> {
    one.send(test::dtls_like(1));  // before any check
    const ice::credentials other = ice::make_credentials();
    test::ice_client stranger(ice::make_credentials(), other);
    one.send(stranger.compose(stranger.valid_check()));
    co_await one.connect(tasks);
    one.send(test::dtls_like(2));
    const auto got = co_await one.received();
    REQUIRE(got == test::dtls_like(2));
    REQUIRE(strange() == 1);
    REQUIRE(unknown() == 1);
  });
}

TEST_CASE("a source that one call has is not taken away by the checks of another, until that call ends") {
  fixture f;
  call one(f);
  auto thief = std::make_unique<call>(f);
  const auto refused = dropped("source-taken");
  f.run([&](task_group& tasks) -> awaitable<void> {
    co_await one.connect(tasks);
    co_await thief->connect(tasks);
    // The thief has a call of its own, and sends checks of it with one's address.
    thief->check(one.socket);
    thief->send(test::dtls_like(1));
    co_await thief->received();
    co_await one.came();  // the answer to that check
    REQUIRE(refused() >= 1);
    one.send(test::dtls_like(1));
    auto got = co_await one.received();
    REQUIRE(got == test::dtls_like(1));
  });
  one.path.reset();
  one.endpoint.reset();
  // A NAT may give a port of a call that has ended to another.
  f.run([&](task_group& tasks) -> awaitable<void> {
    thief->path = co_await ice::connect(tasks, *thief->endpoint, thief->remote());
    thief->check(one.socket);
    thief->send(test::dtls_like(2), one.socket);
    auto got = co_await thief->received();
    REQUIRE(got == test::dtls_like(2));
    thief->send(test::dtls_like(3), one.socket);  // claimed by now
    got = co_await thief->received();
    REQUIRE(got == test::dtls_like(3));
  });
}

TEST_CASE("a peer whose NAT gives it another port keeps its call, and a restart its old and its new name") {
  fixture f;
  call one(f);
  f.run([&](task_group& tasks) -> awaitable<void> {
    co_await one.connect(tasks);
    auto elsewhere = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
    one.check(elsewhere, true);
    one.send(test::dtls_like(1), elsewhere);
    auto got = co_await one.received();
    REQUIRE(got == test::dtls_like(1));
    REQUIRE(one.endpoint->remote_address() == elsewhere.local());
    one.send(test::dtls_like(2));  // still its own
    got = co_await one.received();
    REQUIRE(got == test::dtls_like(2));

    REQUIRE_FALSE(one.endpoint->restart());
    one.check(one.socket);
    one.send(test::dtls_like(3));
    got = co_await one.received();
    REQUIRE(got == test::dtls_like(3));
    test::ice_client again(ice::make_credentials(), one.endpoint->local().credentials);
    ice::remote_parameters r;
    r.credentials = again.own();
    REQUIRE_FALSE(one.endpoint->update(r));
    one.send(again.compose(again.valid_check(true)));
    one.send(test::dtls_like(4));
    got = co_await one.received();
    REQUIRE(got == test::dtls_like(4));
    REQUIRE(one.endpoint->remote_address() == one.socket.local());
  });
}

TEST_CASE("a peer without ICE is served at the address of its SDP; one that is to be learnt has to have a port of its own") {
  fixture f;
  call one(f);
  ice::remote_parameters plain;
  plain.address = one.socket.local();
  f.run([&](task_group& tasks) -> awaitable<void> {
    one.path = co_await ice::connect(tasks, *one.endpoint, plain);
    one.send(test::dtls_like(1));
    const auto got = co_await one.received();
    REQUIRE(got == test::dtls_like(1));
    plain.address.reset();
    plain.latching = true;
    REQUIRE(one.endpoint->update(plain) == boost::system::errc::operation_not_supported);
  });
  auto without = f.settings();
  without.use_ice = false;
  const auto own = ice::reserve(f.context.get_executor(), without, f.ports);
  REQUIRE((*own)->local().address != f.port.local());
}

TEST_CASE("a call that does not read holds no more than its share, and harms no other") {
  fixture f;
  call slow(f), quick(f);
  const auto full = dropped("lane-full");
  f.run([&](task_group& tasks) -> awaitable<void> {
    co_await slow.connect(tasks);
    co_await quick.connect(tasks);
    datagram_batch flood;
    for (int i = 0; i < 50; ++i) flood.push(test::dtls_like(0, 1200));
    std::size_t sent = 0;
    while (full() == 0) {
      slow.socket.send(flood, slow.to);
      sent += flood.bytes();
      quick.send(test::dtls_like(1));
      const auto got = co_await quick.received();
      REQUIRE(got == test::dtls_like(1));
      REQUIRE(sent < (4u << 20));
    }
    REQUIRE(sent > (1u << 20));
  });
}
