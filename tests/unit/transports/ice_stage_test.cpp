#include <catch2/catch.hpp>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "agw/transports/ice_stage.hpp"
#include "ice_client.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

const auto loopback = asio::ip::address_v4::loopback();

ice::config on_loopback() {
  ice::config c;
  c.local_address = loopback;
  return c;
}

// A reserved endpoint, and a peer with a socket of its own that speaks ICE to it by hand.
struct fixture {
  explicit fixture(ice::config settings = on_loopback())
      : endpoint(*ice::reserve(context.get_executor(), settings, ports)),
        client(ice::make_credentials(), endpoint->local().credentials),
        socket(*udp::socket::open(context.get_executor(), loopback, ports)) {}

  ice::remote_parameters remote() const {
    ice::remote_parameters r;
    r.credentials = client.own();
    return r;
  }
  void send(const std::vector<std::byte>& datagram) { socket.send(bytes_view(datagram), endpoint->local().address); }
  void send(const test::check& c) { send(client.compose(c)); }
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
  test::ice_client client;
  udp::socket socket;
};

awaitable<void> turn() {
  auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
}

// Awaits `operation` and says which "<stage>:<reason>" it threw; empty when it did not.
template <class T>
awaitable<std::string> cause_of(awaitable<T> operation) {
  try {
    co_await std::move(operation);
  } catch (const stage_error& e) {
    co_return e.cause();
  }
  co_return std::string();
}

awaitable<void> receive_one(datagram_pipe& path) {
  datagram_batch batch;
  co_await path.receive(batch);
}

}  // namespace

TEST_CASE("a reserved endpoint has all that its SDP needs") {
  fixture f;
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
  fixture f(settings);
  REQUIRE(f.endpoint->local().address.address() == *settings.advertised_address);
  REQUIRE(f.endpoint->local().candidates[0].find("203.0.113.9") != std::string::npos);
}

TEST_CASE("connect answers checks, returns at the first, and the path carries DTLS both ways") {
  fixture f;
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
  fixture f;
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
  fixture f;
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
  fixture f;
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

TEST_CASE("a later nomination moves the path, and data of the old address still counts") {
  fixture f;
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      f.send(f.client.valid_check(true));
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      auto other = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
      auto better = f.client.valid_check(true);
      better.priority = 0x7EFFFFFF;
      const auto datagram = f.client.compose(better);
      other.send(bytes_view(datagram), f.endpoint->local().address);
      f.send(test::dtls_like(1));
      datagram_batch batch;
      co_await path->receive(batch);
      REQUIRE(batch.size() == 1);
      REQUIRE(f.endpoint->remote_address() == other.local());
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("consent is lost when no valid check comes for the configured time, and every one renews it") {
  fixture f;
  std::string cause;
  {
    test::manual_clock time(f.context);
    std::unique_ptr<datagram_pipe> path;
    std::exception_ptr ended;
    bool done = false;
    auto call = [&]() -> awaitable<void> {
      auto body = [&](task_group& tasks) -> awaitable<void> {
        path = co_await ice::connect(tasks, *f.endpoint, f.remote());
        datagram_batch batch;
        for (;;) co_await path->receive(batch);
      };
      cause = co_await cause_of(with_tasks("call", body));
    };
    asio::co_spawn(f.context, call, [&](std::exception_ptr e) {
      ended = e;
      done = true;
    });
    f.send(f.client.valid_check(true));
    time.settle();
    REQUIRE(f.endpoint->remote_address());
    time.advance(29s);
    f.send(f.client.valid_check());
    time.settle();
    time.advance(29s);
    REQUIRE_FALSE(done);
    auto wrong = f.client.valid_check();
    wrong.password = "not-the-password-at-all-xx";
    f.send(wrong);  // does not count
    time.settle();
    time.advance(1s);
    time.settle();
    REQUIRE(done);
    REQUIRE_FALSE(ended);
    const auto sent = f.endpoint->counted().datagrams_out;
    datagram_batch batch;
    batch.push(test::dtls_like(1));
    for (int i = 0; i < 10; ++i) path->send(batch);
    REQUIRE(f.endpoint->counted().datagrams_out == sent);
  }
  REQUIRE(cause == "ice:consent");
  REQUIRE_FALSE(f.endpoint->remote_address());
}

TEST_CASE("connect is cancelled at each of its waits, and can be called again") {
  fixture f;
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
  fixture f;
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
  fixture f;
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

TEST_CASE("without ICE datagrams go to the given address and only its are taken") {
  auto settings = on_loopback();
  settings.use_ice = false;
  fixture f(settings);
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
  fixture f(settings);
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

TEST_CASE("a batch holds datagrams of one source") {
  fixture f;
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      f.send(f.client.valid_check(true));
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      auto other = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
      const auto check = f.client.compose(f.client.valid_check());
      const auto from_other = [&](const std::vector<std::byte>& d) { other.send(bytes_view(d), f.endpoint->local().address); };
      std::vector<std::vector<unsigned>> batches;
      datagram_batch batch;
      from_other(check);
      f.send(test::dtls_like(0));
      co_await path->receive(batch);  // the check has been seen with it
      f.send(test::dtls_like(1));
      from_other(test::dtls_like(2));
      from_other(test::dtls_like(3));
      f.send(test::dtls_like(4));
      for (std::size_t all = 0; all < 4; all += batch.size()) {
        batch.clear();
        co_await path->receive(batch);
        auto& numbers = batches.emplace_back();
        for (std::size_t i = 0; i < batch.size(); ++i) numbers.push_back(std::to_integer<unsigned>(batch[i][1]));
      }
      REQUIRE(batches == std::vector<std::vector<unsigned>>{{1}, {2, 3}, {4}});
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("a lite peer is taken at its best candidate, as neither side checks") {
  fixture f;
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

TEST_CASE("a wildcard address needs one to advertise") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  ice::config settings;
  settings.local_address = asio::ip::address_v4::any();
  REQUIRE(ice::reserve(context.get_executor(), settings, ports).has_error());
}

namespace {

const asio::ip::address v6_loopback = asio::ip::address_v6::loopback();

ice::config of_both_families() {
  auto settings = on_loopback();
  settings.other_family = ice::host_address{v6_loopback, v6_loopback};
  return settings;
}

}  // namespace

TEST_CASE("an interface of two addresses offers a candidate of each, the default one first") {
  auto settings = of_both_families();
  settings.other_family->shown = asio::ip::make_address("2001:db8::9");
  fixture f(settings);
  const auto& local = f.endpoint->local();
  REQUIRE(local.candidates.size() == 2);
  const auto first = ice::parse_candidate(local.candidates[0]), second = ice::parse_candidate(local.candidates[1]);
  CHECK((*first)->address == local.address);
  CHECK((*second)->address == local.other_family);
  CHECK((*second)->address.address() == settings.other_family->shown);
  CHECK((*first)->foundation != (*second)->foundation);
  CHECK((*first)->priority > (*second)->priority);
}

TEST_CASE("a family that cannot be bound has no candidate, and plain UDP has one address") {
  auto settings = of_both_families();
  SECTION("an address that is not this machine's") {
    settings.other_family = ice::host_address{asio::ip::make_address("2001:db8::9"), asio::ip::make_address("2001:db8::9")};
    CHECK(fixture(settings).endpoint->local().candidates.size() == 1);
  }
  SECTION("without ICE") { settings.use_ice = false; }
  fixture f(settings);
  CHECK_FALSE(f.endpoint->local().other_family);
}

TEST_CASE("a peer of either family is answered and served from the socket of its family") {
  for (const bool v6 : {false, true}) {
    fixture f(of_both_families());
    if (v6) f.socket = *udp::socket::open(f.context.get_executor(), v6_loopback, f.ports);
    const auto to = v6 ? *f.endpoint->local().other_family : f.endpoint->local().address;
    const auto send = [&](const std::vector<std::byte>& datagram) { f.socket.send(bytes_view(datagram), to); };
    test::run(f.context, [&]() -> awaitable<void> {
      auto body = [&](task_group& tasks) -> awaitable<void> {
        send(f.client.compose(f.client.valid_check(true)));
        auto connecting = ice::connect(tasks, *f.endpoint, f.remote());
        auto path = co_await until(deadline_after(20s), std::move(connecting));
        (void)co_await until(deadline_after(20s), f.receive());
        CHECK(f.endpoint->remote_address() == f.socket.local());
        send(test::dtls_like(1, 100));
        co_await until(deadline_after(20s), receive_one(*path));
        datagram_batch out;
        out.push(test::dtls_like(2, 200));
        path->send(out);
        const auto got = co_await until(deadline_after(20s), f.receive());
        CHECK(got.size() == 200);
        CHECK(f.endpoint->counted().datagrams_in >= 2);
        CHECK(f.endpoint->counted().bytes_out >= 200);
      };
      co_await with_tasks("call", body);
    });
  }
}

TEST_CASE("candidates that cannot be used are counted together and passed over") {
  fixture f;
  auto remote = f.remote();
  remote.candidates = {"", "1 1 udp 4294967296 192.0.2.1 5 typ host", std::string(33, 'x') + " 1 udp 1 192.0.2.1 5 typ host",
                       "1 1 udp 1 3f0c.local 5 typ host", "1 1 sctp 1 192.0.2.1 5 typ host", "1 2 udp 1 192.0.2.1 5 typ host"};
  const auto before = drops("ice", "candidate");
  CHECK_FALSE(f.endpoint->update(remote));
  CHECK(drops("ice", "candidate") == before + remote.candidates.size());
}

TEST_CASE("the call follows a peer that a NAT has moved, by what DTLS says of the batch that was read") {
  fixture f;
  {
    test::manual_clock time(f.context);
    auto other = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
    std::unique_ptr<datagram_pipe> path;
    bool authentic = false;
    asio::cancellation_signal stop;
    bool done = false;
    auto call = [&]() -> awaitable<void> {
      auto body = [&](task_group& tasks) -> awaitable<void> {
        path = co_await ice::connect(tasks, *f.endpoint, f.remote());
        datagram_batch batch;
        for (;;) {
          batch.clear();
          co_await path->receive(batch);
          if (authentic) f.endpoint->heard();
        }
      };
      co_await with_tasks("call", body);
    };
    asio::co_spawn(f.context, call, asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { done = true; }));
    const auto send_other = [&](const std::vector<std::byte>& d) { other.send(bytes_view(d), f.endpoint->local().address); };
    f.send(f.client.valid_check(true));
    while (!f.endpoint->remote_address()) time.settle();
    time.advance(5s);
    send_other(f.client.compose(f.client.valid_check()));
    const auto in = [&] { return f.endpoint->counted().datagrams_in; };
    for (auto want = in() + 1; in() < want;) time.settle();
    send_other(test::dtls_like(1));  // garbage, DTLS says nothing
    for (auto want = in() + 1; in() < want;) time.settle();
    REQUIRE(f.endpoint->remote_address() == f.socket.local());
    authentic = true;
    send_other(test::dtls_like(2));
    for (auto want = in() + 1; in() < want;) time.settle();
    REQUIRE(f.endpoint->remote_address() == other.local());
    stop.emit(asio::cancellation_type::terminal);
    while (!done) time.settle();
  }
}

TEST_CASE("once strangers have found the open path the kernel drops what is neither STUN nor from a verified source") {
  fixture f;
  const auto drops_before = drops("udp", "kernel");
  const auto unverified = drops("ice", "unverified");
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      f.send(f.client.valid_check(true));
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      auto other = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
      const auto from_stranger = [&](unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
          const auto foreign = test::dtls_like(i);
          other.send(bytes_view(foreign), f.endpoint->local().address);
        }
      };
      from_stranger(4);
      f.send(test::dtls_like(8));
      datagram_batch first;
      co_await path->receive(first);
      REQUIRE(first.size() == 1);
      from_stranger(5);
      const auto check = f.client.compose(f.client.valid_check(true));
      other.send(bytes_view(check), f.endpoint->local().address);
      f.send(test::dtls_like(9));
      datagram_batch batch;
      co_await path->receive(batch);
      REQUIRE(batch.size() == 1);
      REQUIRE(batch[0][1] == std::byte{9});
      const auto moved = test::dtls_like(10);  // verified by now
      other.send(bytes_view(moved), f.endpoint->local().address);
      batch.clear();
      co_await path->receive(batch);
      REQUIRE(batch[0][1] == std::byte{10});
    };
    co_await with_tasks("call", body);
  });
  f.endpoint.reset();
  REQUIRE(drops("ice", "unverified") == unverified + 4);
  REQUIRE(drops("udp", "kernel") == drops_before + 5);
}

TEST_CASE("the consent of a peer that was learnt and takes to ICE later is watched from its first nomination on") {
  fixture f;
  std::string cause;
  {
    test::manual_clock time(f.context);
    std::unique_ptr<datagram_pipe> path;
    bool done = false;
    auto learnt = ice::remote_parameters();
    learnt.latching = true;
    auto call = [&]() -> awaitable<void> {
      auto body = [&](task_group& tasks) -> awaitable<void> {
        path = co_await ice::connect(tasks, *f.endpoint, learnt);
        datagram_batch batch;
        for (;;) co_await path->receive(batch);
      };
      cause = co_await cause_of(with_tasks("call", body));
    };
    asio::co_spawn(f.context, call, [&](std::exception_ptr) { done = true; });
    time.settle();
    f.send(test::record_like());
    while (!path) time.settle();
    REQUIRE_FALSE(f.endpoint->update(f.remote()));
    time.settle();
    time.advance(5min);
    REQUIRE_FALSE(done);
    f.send(f.client.valid_check(true));
    while (!f.endpoint->remote_address()) time.settle();
    time.settle();
    time.advance(29s);
    time.settle();
    REQUIRE_FALSE(done);
    time.advance(1s);
    time.settle();
    REQUIRE(done);
  }
  REQUIRE(cause == "ice:consent");
}
