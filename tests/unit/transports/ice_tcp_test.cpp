// ICE over TCP against a client double: its connections are real ones.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/connection_quota.hpp"
#include "agw/transports/ice_stage.hpp"
#include "ice_client.hpp"
#include "ice_frames.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::closed;
using test::receive;
using test::send;
using test::tcp_port;

namespace {

const auto loopback = asio::ip::address_v4::loopback();

struct fixture {
  fixture()
      : endpoint(*ice::reserve(context.get_executor(), settings(), ports)),
        client(ice::make_credentials(), endpoint->local().credentials),
        udp_socket(*udp::socket::open(context.get_executor(), loopback, ports)) {}

  static ice::config settings() {
    ice::config c;
    c.local_address = loopback;
    c.tcp = true;
    return c;
  }
  ice::remote_parameters remote() const {
    ice::remote_parameters r;
    r.credentials = client.own();
    r.candidates = {"1 1 TCP 1518149375 127.0.0.1 9 typ host tcptype active"};
    return r;
  }
  tcp_socket dial() {
    tcp_socket s(context);
    s.connect(asio::ip::tcp::endpoint(loopback, tcp_port(endpoint->local())));
    return s;
  }
  std::vector<std::byte> check(bool nominate) { return client.compose(client.valid_check(nominate)); }
  void send_udp(const std::vector<std::byte>& d) { udp_socket.send(bytes_view(d), endpoint->local().address); }

  asio::io_context context{1};
  port_pool ports{0, 0};
  std::unique_ptr<ice::endpoint> endpoint;
  test::ice_client client;
  udp::socket udp_socket;
};

template <class F>
void call(fixture& f, F with_path) {
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> { co_await with_path(tasks); };
    co_await with_tasks("call", body);
  });
}

}  // namespace

TEST_CASE("with tcp there is a passive candidate of lower priority behind that of UDP") {
  fixture f;
  const auto& lines = f.endpoint->local().candidates;
  REQUIRE(lines.size() == 2);
  REQUIRE(lines[0].find(" UDP ") != std::string::npos);
  REQUIRE(lines[1] == "2 1 TCP 1520435199 127.0.0.1 " + std::to_string(tcp_port(f.endpoint->local())) + " typ host tcptype passive");
  const auto parsed = ice::parse_candidate(lines[0]);
  REQUIRE((*parsed)->priority > 1520435199);
}

TEST_CASE("a call over TCP alone: checks, nomination and DTLS both ways, in frames") {
  fixture f;
  auto s = f.dial();
  call(f, [&](task_group& tasks) -> awaitable<void> {
    send(s, f.check(false));
    send(s, f.check(true));
    send(s, test::dtls_like(1));
    auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
    auto answer = co_await receive(s);
    REQUIRE(f.client.read_answer(answer) == -1);  // of the check before the one composed last
    answer = co_await receive(s);
    udp::endpoint mapped;
    REQUIRE(f.client.read_answer(answer, &mapped) == 0);
    REQUIRE(mapped.port() == s.local_endpoint().port());
    REQUIRE(f.endpoint->remote_address() == mapped);
    datagram_batch batch;
    co_await path->receive(batch);
    REQUIRE(batch.size() == 1);
    REQUIRE(batch[0][1] == std::byte{1});
    batch.clear();
    for (unsigned i = 0; i < 50; ++i) batch.push(test::dtls_like(i, 1200));
    path->send(batch);
    for (unsigned i = 0; i < 50; ++i) {
      const auto got = co_await receive(s);
      REQUIRE(got == test::dtls_like(i, 1200));
    }
    REQUIRE(f.endpoint->counted().datagrams_out >= 50);
  });
}

TEST_CASE("a nomination moves the path from UDP to TCP and back") {
  fixture f;
  auto s = f.dial();
  call(f, [&](task_group& tasks) -> awaitable<void> {
    f.send_udp(f.check(true));
    auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
    REQUIRE(f.endpoint->remote_address() == f.udp_socket.local());
    auto better = f.client.valid_check(true);
    better.priority = 0x7EFFFFFF;
    send(s, f.client.compose(better));
    send(s, test::dtls_like(1));
    datagram_batch batch;
    co_await path->receive(batch);
    REQUIRE(f.endpoint->remote_address()->port() == s.local_endpoint().port());
    batch.clear();
    batch.push(test::dtls_like(2));
    path->send(batch);
    (void)co_await receive(s);  // the answer
    auto got = co_await receive(s);
    REQUIRE(got == test::dtls_like(2));
    // Back: the connection ends, and checks come by UDP again.
    s.close();
    while (f.endpoint->remote_address() != f.udp_socket.local()) {
      f.send_udp(f.check(false));
      f.send_udp(test::dtls_like(3));
      batch.clear();
      co_await path->receive(batch);
    }
  });
}

TEST_CASE("a connection without a valid check is closed in time, whatever it sends") {
  fixture f;
  bool done = false;
  {
    test::manual_clock time(f.context);
    auto silent = f.dial();
    auto busy = f.dial();
    auto hostile = f.dial();
    auto good = f.dial();
    std::vector<std::string> ended;
    const auto watch = [&](tcp_socket& s, const char* name) {
      auto wait = [&s, name, &ended]() -> awaitable<void> {
        const bool yes = co_await closed(s);
        if (yes) ended.push_back(name);
      };
      asio::co_spawn(f.context, wait, [](std::exception_ptr) {});
    };
    asio::cancellation_signal stop;
    auto run = [&]() -> awaitable<void> {
      auto body = [&](task_group& tasks) -> awaitable<void> {
        auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
        datagram_batch batch;
        for (;;) co_await path->receive(batch);
      };
      co_await with_tasks("call", body);
    };
    asio::co_spawn(f.context, run, asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { done = true; }));
    watch(silent, "silent");
    watch(busy, "busy");
    watch(hostile, "hostile");
    watch(good, "good");
    time.settle();
    auto wrong = f.client.valid_check(true);
    wrong.password = "not-the-password-at-all-xx";
    send(busy, f.client.compose(wrong));
    send(good, f.check(true));
    asio::write(hostile, asio::buffer(std::string("GET / HTTP/1.1\r\n")));  // a frame of 18245 octets
    while (ended.empty()) time.settle();
    REQUIRE(ended == std::vector<std::string>{"hostile"});
    while (!f.endpoint->remote_address()) time.settle();
    time.advance(9s);
    send(busy, test::dtls_like(1));
    send(good, f.check(false));
    time.settle();
    time.advance(1s);
    while (ended.size() < 3) {
      send(busy, test::dtls_like(1));
      time.settle();
    }
    REQUIRE(std::find(ended.begin(), ended.end(), "good") == ended.end());
    stop.emit(asio::cancellation_type::terminal);
    while (!done) time.settle();
    while (ended.size() < 4) time.settle();  // connections end with the path
  }
}

TEST_CASE("beyond eight connections the oldest without a valid check makes room") {
  fixture f;
  call(f, [&](task_group& tasks) -> awaitable<void> {
    auto good = f.dial();
    send(good, f.check(true));
    auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
    (void)co_await receive(good);
    tasks.spawn("reader", [&]() -> awaitable<void> {
      datagram_batch batch;
      for (;;) co_await path->receive(batch);
    });
    std::vector<tcp_socket> idle;
    for (int i = 0; i < 8; ++i) {
      auto s = f.dial();
      idle.push_back(std::move(s));
    }
    const bool oldest = co_await closed(idle.front());
    REQUIRE(oldest);
    send(good, f.check(false));
    const auto answer = co_await receive(good);
    REQUIRE(f.client.read_answer(answer) == 0);
    const auto last = f.client.compose(f.client.valid_check());
    send(idle.back(), last);
    const auto other = co_await receive(idle.back());
    REQUIRE(f.client.read_answer(other) == 0);
  });
}

TEST_CASE("when all eight connections have shown a valid check, a stranger's is refused and the selected one stays") {
  fixture f;
  call(f, [&](task_group& tasks) -> awaitable<void> {
    auto selected = f.dial();
    send(selected, f.check(true));
    auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
    (void)co_await receive(selected);
    const auto address = f.endpoint->remote_address();
    tasks.spawn("reader", [&]() -> awaitable<void> {
      datagram_batch batch;
      for (;;) co_await path->receive(batch);
    });
    std::vector<tcp_socket> others;
    for (int i = 0; i < 7; ++i) {
      auto s = f.dial();
      send(s, f.check(false));
      (void)co_await receive(s);
      others.push_back(std::move(s));
    }
    for (int i = 0; i < 3; ++i) {
      auto stranger = f.dial();
      const bool refused = co_await closed(stranger);
      REQUIRE(refused);
    }
    send(selected, f.check(false));
    const auto answer = co_await receive(selected);
    REQUIRE(f.client.read_answer(answer) == 0);
    REQUIRE(f.endpoint->remote_address() == address);
  });
}

TEST_CASE("when the connections of all calls are many, an endpoint still has two, and strangers hold no more descriptors") {
  fixture f;
  std::vector<connection_quota::share> elsewhere;
  while (auto one = ice::extra_tcp_quota().take()) elsewhere.push_back(std::move(*one));
  REQUIRE(elsewhere.size() == ice::extra_tcp_connections);
  call(f, [&](task_group& tasks) -> awaitable<void> {
    auto selected = f.dial();
    send(selected, f.check(true));
    auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
    (void)co_await receive(selected);
    tasks.spawn("reader", [&]() -> awaitable<void> {
      datagram_batch batch;
      for (;;) co_await path->receive(batch);
    });
    auto first = f.dial();
    auto second = f.dial();
    const bool made_room = co_await closed(first);
    REQUIRE(made_room);
    send(second, f.check(false));
    auto answer = co_await receive(second);
    REQUIRE(f.client.read_answer(answer) == 0);
    auto third = f.dial();
    const bool refused = co_await closed(third);
    REQUIRE(refused);
    elsewhere.clear();
    auto fourth = f.dial();
    send(fourth, f.check(false));
    answer = co_await receive(fourth);
    REQUIRE(f.client.read_answer(answer) == 0);
    REQUIRE(ice::extra_tcp_quota().taken() == 1);
  });
  f.context.restart();
  f.context.run();
  REQUIRE(ice::extra_tcp_quota().taken() == 0);
}
