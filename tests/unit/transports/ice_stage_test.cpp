#include "ice_fixture.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::ice_fixture;
using test::loopback;
using test::on_loopback;
using test::receive_one;
using test::turn;

TEST_CASE("a reserved endpoint has all that its SDP needs") {
  ice_fixture f;
  const auto& local = f.endpoint->local();
  REQUIRE(local.address.address() == loopback);
  REQUIRE(local.address.port() != 0);
  REQUIRE(local.lite);
  REQUIRE(ice::valid(local.credentials));
  REQUIRE(local.candidates.size() == 1);
  const auto own = ice::parse_candidate(local.candidates[0]);
  REQUIRE((*own)->address == local.address);
  REQUIRE((*own)->type == ice::candidate_type::host);
  REQUIRE_FALSE(f.endpoint->remote_address());
}

TEST_CASE("an advertised address stands in the SDP instead of the bound one") {
  auto settings = on_loopback();
  settings.advertised_address = asio::ip::make_address("203.0.113.9");
  ice_fixture f(settings);
  REQUIRE(f.endpoint->local().address.address() == *settings.advertised_address);
  REQUIRE(f.endpoint->local().candidates[0].find("203.0.113.9") != std::string::npos);
}

TEST_CASE("connect answers checks, returns at the first, and the path carries DTLS both ways") {
  ice_fixture f;
  std::vector<udp::endpoint> reflexive;
  f.endpoint->on_peer_reflexive = [&](const udp::endpoint& e) { reflexive.push_back(e); };
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      task_group peer(co_await asio::this_coro::executor, "peer");
      peer.spawn("checks", [&]() -> awaitable<void> {
        f.send(f.client.valid_check());
        const auto answer = co_await f.receive();
        REQUIRE(f.client.read_answer(answer) == 0);
      });
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      co_await peer.join();
      REQUIRE(f.endpoint->remote_address() == f.socket.local());
      REQUIRE(reflexive == std::vector<udp::endpoint>{f.socket.local()});
      REQUIRE(path->max_datagram_bytes() == 1200);

      datagram_batch batch;
      batch.push(test::dtls_like(7));
      path->send(batch);
      const auto sent = co_await f.receive();
      REQUIRE(sent == test::dtls_like(7));

      f.send(test::dtls_like(1));
      f.send(f.client.valid_check());
      f.send(std::vector<std::byte>(5, std::byte{0x80}));
      f.send(test::dtls_like(2));
      batch.clear();
      while (batch.size() < 2) co_await path->receive(batch);
      REQUIRE(batch.size() == 2);
      REQUIRE(std::vector<std::byte>(batch[0].begin(), batch[0].end()) == test::dtls_like(1));
      REQUIRE(std::vector<std::byte>(batch[1].begin(), batch[1].end()) == test::dtls_like(2));
      const auto answer = co_await f.receive();
      REQUIRE(f.client.read_answer(answer) == 0);
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("what came before connect waits in the kernel: checks are answered, DTLS behind a valid check is delivered") {
  ice_fixture f;
  const auto unverified = drops("ice", "unverified");
  f.send(test::dtls_like(1));  // no check has come yet
  f.send(f.client.valid_check());
  f.send(test::dtls_like(2));
  f.send(f.client.valid_check(true));
  f.send(test::dtls_like(3));
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      datagram_batch batch;
      while (batch.size() < 2) co_await path->receive(batch);
      REQUIRE(batch.size() == 2);
      REQUIRE(batch[0][1] == std::byte{2});
      REQUIRE(batch[1][1] == std::byte{3});
      f.send(test::dtls_like(4));
      batch.clear();
      co_await path->receive(batch);
      REQUIRE(batch.size() == 1);
      REQUIRE(batch[0][1] == std::byte{4});
    };
    co_await with_tasks("call", body);
  });
  REQUIRE(drops("ice", "unverified") == unverified + 1);
}

TEST_CASE("what has come before the path is open is bounded") {
  ice_fixture f;
  const auto early = drops("ice", "early");
  f.send(f.client.valid_check());
  datagram_batch flood;
  for (int i = 0; i < 50; ++i) flood.push(test::dtls_like(0, 1200));
  for (int i = 0; i < 4; ++i) f.socket.send(flood, f.endpoint->local().address);
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      datagram_batch batch;
      co_await path->receive(batch);
      REQUIRE(batch.bytes() <= 64 * 1024);
      while (drops("ice", "early") - early + batch.size() < 200) co_await path->receive(batch);
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("a flight that went to the first route goes again to another one that is nominated instead, once") {
  ice_fixture f;
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      f.send(f.client.valid_check());
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      datagram_batch flight;
      flight.push(test::dtls_like(1));
      flight.push(test::dtls_like(2));
      path->send(flight);
      auto other = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
      std::vector<std::vector<std::byte>> came;
      const auto take = [&] {
        for (const auto& a : other.receive()) came.emplace_back(a.bytes.begin(), a.bytes.end());
      };
      const auto send_other = [&](const std::vector<std::byte>& d) { other.send(bytes_view(d), f.endpoint->local().address); };
      send_other(f.client.compose(f.client.valid_check(true)));
      send_other(test::dtls_like(3));
      datagram_batch batch;
      co_await path->receive(batch);
      REQUIRE(f.endpoint->remote_address() == other.local());
      send_other(f.client.compose(f.client.valid_check(true)));
      send_other(test::dtls_like(3));
      co_await path->receive(batch);
      while (came.size() < 4) {
        take();
        co_await turn();
      }
      // The answer, the flight, and the answer to the second nomination.
      REQUIRE(came[1] == test::dtls_like(1));
      REQUIRE(came[2] == test::dtls_like(2));
      REQUIRE(f.client.read_answer(came[3]) == 0);
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("connect is cancelled at each of its waits, and can be called again") {
  ice_fixture f;
  test::run(f.context, [&]() -> awaitable<void> {
    task_group tasks(co_await asio::this_coro::executor, "call");
    task_group attempts(co_await asio::this_coro::executor, "attempts");
    for (int before = 0; before < 4; ++before) {
      bool aborted = false;
      attempts.spawn("connect", [&]() -> awaitable<void> {
        try {
          auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
        } catch (const system_error& e) {
          aborted = e.code() == asio::error::operation_aborted;
          throw;
        }
      });
      for (int i = 0; i < before; ++i) co_await turn();
      if (before == 3) f.send(f.client.valid_check());  // verified, not nominated
      attempts.cancel();
      co_await attempts.join();
      REQUIRE((aborted || before == 0));
      REQUIRE(tasks.empty());
    }
    f.send(f.client.valid_check(true));
    auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
    attempts.spawn("receive", [&]() -> awaitable<void> { co_await receive_one(*path); });
    co_await turn();
    attempts.cancel();
    co_await attempts.join();
    f.send(test::dtls_like(9));
    datagram_batch batch;
    co_await path->receive(batch);
    REQUIRE(batch.size() == 1);
    co_await tasks.stop();
  });
}

TEST_CASE("a flood that never lets the socket run dry does not stop the rest of the loop") {
  ice_fixture f;
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      f.send(f.client.valid_check(true));
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      datagram_batch flood;
      for (int i = 0; i < 40; ++i) flood.push(test::dtls_like(0, static_cast<std::size_t>(20 + i % 2)));
      tasks.spawn("receiver", [&]() -> awaitable<void> {
        datagram_batch batch;
        for (;;) {
          f.socket.send(flood, f.endpoint->local().address);  // it is never empty
          batch.clear();
          co_await path->receive(batch);
        }
      });
      for (int i = 0; i < 10; ++i) co_await turn();
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("parameters that cannot be used fail the stage with their reason") {
  ice_fixture f;
  test::run(f.context, [&]() -> awaitable<void> {
    task_group tasks(co_await asio::this_coro::executor, "call");
    auto remote = f.remote();
    remote.credentials.pwd = "short";
    std::string cause;
    error_code code;
    try {
      co_await ice::connect(tasks, *f.endpoint, remote);
    } catch (const stage_error& e) {
      cause = e.cause();
      code = e.code();
    }
    REQUIRE(cause == "ice:error");
    REQUIRE(code == transport_error::bad_credentials);
    REQUIRE(f.endpoint->update(ice::remote_parameters()) == transport_error::no_remote_address);
  });
}

TEST_CASE("a wildcard address needs one to advertise") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  ice::config settings;
  settings.local_address = asio::ip::address_v4::any();
  REQUIRE(ice::reserve(context.get_executor(), settings, ports).has_error());
}
