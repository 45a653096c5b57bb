#include <boost/asio/post.hpp>

#include <catch2/catch.hpp>

#include "agw/core/metrics.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/task_group.hpp"
#include "agw/transports/udp.hpp"
#include "support/loop.hpp"
#include "udp/fragments.hpp"

using namespace agw;

namespace {

const auto loopback = asio::ip::address_v4::loopback();

struct received {
  std::vector<std::vector<std::byte>> datagrams;
  std::vector<udp::endpoint> sources;
};

std::vector<std::byte> patterned(std::size_t size, std::size_t seed) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>((seed * 131 + i * 7) & 0xFF);
  return out;
}

awaitable<void> receive_count(udp::socket& s, std::size_t count, received& out) {
  while (out.datagrams.size() < count) {
    const auto arrivals = s.receive();
    for (const auto& a : arrivals) {
      out.datagrams.emplace_back(a.bytes.begin(), a.bytes.end());
      out.sources.push_back(*a.source);
    }
    if (arrivals.empty()) co_await s.wait_readable();
  }
}

// Sends datagrams of these sizes as one batch, and checks that they arrive as they were.
void check_batch(const asio::ip::address& address, const std::vector<std::size_t>& sizes) {
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto from = udp::socket::open(context.get_executor(), address, ports);
  auto to = udp::socket::open(context.get_executor(), address, ports);
  REQUIRE(from.has_value());
  REQUIRE(to.has_value());
  datagram_batch batch;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    batch.push(patterned(sizes[i], i));
    bytes += sizes[i];
  }
  received got;
  test::run(context, [&]() -> awaitable<void> {
    from->send(batch, to->local());
    co_await receive_count(*to, sizes.size(), got);
  });
  REQUIRE(got.datagrams.size() == sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    REQUIRE(got.datagrams[i] == patterned(sizes[i], i));
    REQUIRE(got.sources[i] == from->local());
  }
  REQUIRE(from->counted().datagrams_out == sizes.size());
  REQUIRE(from->counted().bytes_out == bytes);
  REQUIRE(to->counted().datagrams_in == sizes.size());
  REQUIRE(to->counted().bytes_in == bytes);
}

}  // namespace

TEST_CASE("a batch arrives datagram by datagram, in order, with its source") {
  SECTION("one datagram") { check_batch(loopback, {1200}); }
  SECTION("a run of equal ones") { check_batch(loopback, std::vector<std::size_t>(32, 1200)); }
  SECTION("more than fit into one segmented send") { check_batch(loopback, std::vector<std::size_t>(200, 1000)); }
  SECTION("a run that ends with a shorter one") { check_batch(loopback, {1200, 1200, 1200, 300}); }
  SECTION("runs and single ones mixed") { check_batch(loopback, {100, 1200, 1200, 7, 7, 7, 3, 1200, 1, 1, 1, 1200, 1200}); }
  SECTION("an empty one among others") { check_batch(loopback, {1200, 0, 0, 1200, 1200, 0}); }
  SECTION("growing sizes") { check_batch(loopback, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}); }
  SECTION("datagrams near the largest size") { check_batch(loopback, {60000, 60000, 65000}); }
  SECTION("IPv6") { check_batch(asio::ip::address_v6::loopback(), std::vector<std::size_t>(50, 1200)); }
}

TEST_CASE("receive says that nothing is there, and what comes after that wakes the waiter") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto from = udp::socket::open(context.get_executor(), loopback, ports);
  auto to = udp::socket::open(context.get_executor(), loopback, ports);
  const auto one = patterned(10, 1);
  test::run(context, [&]() -> awaitable<void> {
    REQUIRE(to->receive().empty());
    REQUIRE(to->receive().empty());
    for (int round = 0; round < 3; ++round) {
      task_group tasks(co_await asio::this_coro::executor, "wait");
      bool woken = false;
      tasks.spawn("reader", [&]() -> awaitable<void> {
        co_await to->wait_readable();
        woken = true;
      });
      auto executor = co_await asio::this_coro::executor;
      co_await asio::post(executor, use_awaitable);
      REQUIRE_FALSE(woken);
      from->send(bytes_view(one), to->local());
      co_await tasks.join();
      REQUIRE(to->receive().size() == 1);
      REQUIRE(to->receive().empty());
    }
  });
}

TEST_CASE("a cancelled wait loses nothing") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto from = udp::socket::open(context.get_executor(), loopback, ports);
  auto to = udp::socket::open(context.get_executor(), loopback, ports);
  const auto one = patterned(10, 1);
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    task_group tasks(executor, "wait");
    bool aborted = false;
    tasks.spawn("reader", [&]() -> awaitable<void> {
      try {
        co_await to->wait_readable();
      } catch (const system_error& e) {
        aborted = e.code() == asio::error::operation_aborted;
        throw;
      }
    });
    co_await asio::post(executor, use_awaitable);
    tasks.cancel();
    co_await tasks.join();
    REQUIRE(aborted);
    from->send(bytes_view(one), to->local());
    co_await to->wait_readable();
    REQUIRE(to->receive().size() == 1);
  });
}

TEST_CASE("what cannot be sent is counted by cause and never thrown") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto s = udp::socket::open(context.get_executor(), loopback, ports);
  const auto too_large = drops("udp", "too-large");
  const auto unreachable = drops("udp", "unreachable");
  datagram_batch batch;
  batch.push(patterned(65510, 1));
  batch.push(patterned(100, 2));
  batch.push(patterned(65520, 3));
  s->send(batch, s->local());
  REQUIRE(drops("udp", "too-large") == too_large + 2);
  REQUIRE(s->counted().datagrams_out == 1);  // the one between them went
  REQUIRE(s->receive().size() == 1);
  const udp::endpoint other_family(asio::ip::address_v6::loopback(), 9);
  batch.clear();
  batch.push(patterned(10, 1));
  batch.push(patterned(10, 2));
  s->send(batch, other_family);
  REQUIRE(drops("udp", "unreachable") == unreachable + 2);
}

TEST_CASE("a receiver that does not read bounds the memory, not the sender") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  udp::socket_config small;
  small.receive_buffer_bytes = 65536;
  auto from = udp::socket::open(context.get_executor(), loopback, ports);
  auto to = udp::socket::open(context.get_executor(), loopback, ports, small);
  datagram_batch batch;
  for (std::size_t i = 0; i < 64; ++i) batch.push(patterned(1200, i));
  for (int i = 0; i < 100; ++i) from->send(batch, to->local());
  std::size_t got = 0;
  for (auto arrivals = to->receive(); !arrivals.empty(); arrivals = to->receive()) got += arrivals.size();
  REQUIRE(got > 0);
  REQUIRE(got * 1200 <= 4 * 65536);
}

TEST_CASE("the port comes from the pool and goes back with the socket") {
  asio::io_context context(1);
  // A free range is looked for, as other programs hold ports, too.
  for (std::uint16_t low = 41000; low < 60000; low = static_cast<std::uint16_t>(low + 7)) {
    port_pool ports(low, static_cast<std::uint16_t>(low + 1));
    auto a = udp::socket::open(context.get_executor(), loopback, ports);
    auto b = udp::socket::open(context.get_executor(), loopback, ports);
    if (!a || !b) continue;
    REQUIRE(a->local().port() == low);
    REQUIRE(b->local().port() == low + 1);
    auto none = udp::socket::open(context.get_executor(), loopback, ports);
    REQUIRE(none.has_error());
    udp::socket moved = std::move(*a);
    REQUIRE(ports.leased() == 2);
    { udp::socket last = std::move(moved); }
    REQUIRE(ports.leased() == 1);
    return;
  }
  FAIL("no two neighbouring ports are free");
}

TEST_CASE("DSCP marks are six bits") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto s = udp::socket::open(context.get_executor(), loopback, ports);
  REQUIRE(s->set_dscp(46));
  REQUIRE_FALSE(s->set_dscp(64));
}

TEST_CASE("datagrams may be cut into fragments, or never are, as is asked for, in both families") {
  for (const bool v6 : {false, true}) {
    CAPTURE(v6);
    asio::io_context context(1);
    udp_socket s(context, v6 ? asio::ip::udp::v6() : asio::ip::udp::v4());
    const auto value = [&](int level, int option) {
      int out = -1;
      socklen_t size = sizeof(out);
      ::getsockopt(s.native_handle(), level, option, &out, &size);
      return out;
    };
    const auto discovery = [&] { return v6 ? value(IPPROTO_IPV6, IPV6_MTU_DISCOVER) : value(IPPROTO_IP, IP_MTU_DISCOVER); };
    for (int i = 0; i < 2; ++i) {
      udp::allow_fragments(s.native_handle(), v6, false);
      CHECK(discovery() == (v6 ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE));
      udp::allow_fragments(s.native_handle(), v6, true);
      CHECK(discovery() == (v6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT));
    }
  }
}
