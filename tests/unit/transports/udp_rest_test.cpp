// Sockets that go to rest and are stirred again: what comes wakes their readers at every time, and nothing is lost.
#include <catch2/catch.hpp>

#include <cstring>
#include <random>
#include <vector>

#include <sys/resource.h>

#include "agw/core/scope_guard.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/task_group.hpp"
#include "agw/transports/udp.hpp"
#include "support/loop.hpp"
#include "turn.hpp"

using namespace agw;
using test::turn;

namespace {

const auto loopback = asio::ip::address_v4::loopback();

bytes_view number(const std::uint32_t& n) { return std::as_bytes(std::span(&n, 1)); }

struct pair {
  pair() : from(*udp::socket::open(context.get_executor(), loopback, ports)), to(*udp::socket::open(context.get_executor(), loopback, ports)) {}
  void send(std::uint32_t n = 1) { from.send(number(n), to.local()); }

  asio::io_context context{1};
  port_pool ports{0, 0};
  udp::socket from;
  udp::socket to;
};

}  // namespace

TEST_CASE("a socket at rest is woken by what comes, by what was there before, and again when it is stirred") {
  pair p;
  test::run(p.context, [&]() -> awaitable<void> {
    p.to.rest();
    p.to.rest();
    for (int round = 0; round < 3; ++round) {
      REQUIRE(p.to.receive().empty());
      task_group tasks(co_await asio::this_coro::executor, "wait");
      bool woken = false;
      auto reader = [&]() -> awaitable<void> {
        co_await p.to.wait_readable();
        woken = true;
      };
      tasks.spawn("reader", reader);
      co_await turn();
      REQUIRE_FALSE(woken);
      p.send();
      co_await tasks.join();
      REQUIRE(p.to.receive().size() == 1);
    }
    p.to.stir();
    p.to.stir();
    p.send();
    p.to.rest();
    co_await p.to.wait_readable();
    REQUIRE(p.to.receive().size() == 1);
    p.send();
    p.to.stir();
    co_await p.to.wait_readable();
    REQUIRE(p.to.receive().size() == 1);
    REQUIRE(p.to.receive().empty());
  });
}

TEST_CASE("a wait at rest ends by a cancel, which loses nothing, and by wake()") {
  pair p;
  test::run(p.context, [&]() -> awaitable<void> {
    p.to.rest();
    task_group tasks(co_await asio::this_coro::executor, "wait");
    bool aborted = false;
    auto reader = [&]() -> awaitable<void> {
      try {
        co_await p.to.wait_readable();
      } catch (const system_error& e) {
        aborted = e.code() == asio::error::operation_aborted;
        throw;
      }
    };
    tasks.spawn("reader", reader);
    co_await turn();
    tasks.cancel();
    co_await tasks.join();
    REQUIRE(aborted);
    p.send();
    co_await p.to.wait_readable();
    REQUIRE(p.to.receive().size() == 1);
    // wake() before the wait, and during it.
    p.to.wake();
    co_await p.to.wait_readable();
    tasks.spawn("waits", [&] { return p.to.wait_readable(); });
    co_await turn();
    p.to.wake();
    co_await tasks.join();
    REQUIRE(p.to.receive().empty());
  });
}

TEST_CASE("the socket is the same at rest: what it sends, its options, its port") {
  pair p;
  p.to.rest();
  REQUIRE(p.to.set_dscp(46));
  REQUIRE(p.to.kernel_drops() == 0);
  p.to.admit({});
  p.send();  // no STUN, and nobody's
  p.to.admit_all();
  REQUIRE(p.to.receive().empty());
  REQUIRE(p.to.kernel_drops() == 1);
  const std::uint32_t answer = 7;
  p.to.send(number(answer), p.from.local());
  const auto got = p.from.receive();
  REQUIRE(got.size() == 1);
  REQUIRE(*got[0].source == p.to.local());
  udp::socket moved = std::move(p.to);
  p.from.send(number(answer), moved.local());
  test::run(p.context, [&]() -> awaitable<void> { co_await moved.wait_readable(); });
  REQUIRE(moved.receive().size() == 1);
}

TEST_CASE("sockets that die at rest are closed, give their ports back and let the loop end") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  port_pool again(0, 0);
  {
    std::vector<udp::socket> all;
    for (int i = 0; i < 20; ++i) {
      all.push_back(*udp::socket::open(context.get_executor(), loopback, ports));
      all.back().rest();
    }
    const auto port = all.front().local().port();
    all.clear();
    udp_socket same(context, udp::endpoint(loopback, port));
  }
  // The next ones come before the loop has heard that the others went.
  auto last = udp::socket::open(context.get_executor(), loopback, again);
  last->rest();
  last->send(number(1), last->local());
  test::run(context, [&]() -> awaitable<void> { co_await last->wait_readable(); });
  REQUIRE(last->receive().size() == 1);
  last = udp::socket::open(context.get_executor(), loopback, again);
  context.restart();
  context.run();  // nothing is pending any more
}

TEST_CASE("without descriptors a socket that is to rest goes on as it is") {
  pair p;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  {
    rlimit none = before;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    scope_guard restore([&] { ::setrlimit(RLIMIT_NOFILE, &before); });
    p.to.rest();
  }
  p.send();
  test::run(p.context, [&]() -> awaitable<void> { co_await p.to.wait_readable(); });
  REQUIRE(p.to.receive().size() == 1);
}

TEST_CASE("a hundred sockets that rest and are stirred in any order lose nothing", "[seeded]") {
  const auto seed = GENERATE(range(0U, 20U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto once_in = [&](unsigned n) { return random() % n == 0; };
  constexpr std::uint32_t sockets = 100;
  constexpr std::uint32_t each = 20;
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto from = *udp::socket::open(context.get_executor(), loopback, ports);
  std::vector<udp::socket> to;
  for (std::uint32_t i = 0; i < sockets; ++i) to.push_back(*udp::socket::open(context.get_executor(), loopback, ports));
  std::vector<std::uint32_t> got(sockets);
  test::run(context, [&]() -> awaitable<void> {
    task_group tasks(co_await asio::this_coro::executor, "sockets");
    const auto reader = [&](std::uint32_t i) -> awaitable<void> {
      auto& socket = to[i];
      while (got[i] < each) {
        for (auto arrivals = socket.receive(); !arrivals.empty(); arrivals = socket.receive()) {
          for (const auto& a : arrivals) {
            std::uint32_t n = 0;
            REQUIRE(a.bytes.size() == sizeof(n));
            std::memcpy(&n, a.bytes.data(), sizeof(n));
            REQUIRE(n == got[i]++);
          }
        }
        if (once_in(2)) socket.rest();
        else if (once_in(2)) socket.stir();
        if (got[i] < each) co_await socket.wait_readable();
        if (once_in(4)) socket.stir();
        if (once_in(8)) socket.wake();
      }
    };
    for (std::uint32_t i = 0; i < sockets; ++i) tasks.spawn("reader", [&reader, i] { return reader(i); });
    std::vector<std::uint32_t> sent(sockets);
    for (std::uint32_t left = sockets * each; left > 0;) {
      const auto i = random() % sockets;
      if (sent[i] == each) continue;
      from.send(number(sent[i]++), to[i].local());
      --left;
      if (once_in(8)) co_await turn();
    }
    co_await tasks.join();
  });
  REQUIRE(got == std::vector<std::uint32_t>(sockets, each));
}
