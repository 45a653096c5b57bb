#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "agw/core/error.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/ice_stage.hpp"
#include "ice_client.hpp"
#include "support/ice_told.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::told;

namespace {

// A lite agent's path is open at the first check, and answers the others while it is read: here until the other side's is open, too.
awaitable<void> answer_until(const std::unique_ptr<datagram_pipe>& other, datagram_pipe& path) {
  datagram_batch none;
  while (!other) (void)co_await within(deadline_after(10ms), path.receive(none));
}

ice::config mode(ice::agent_mode m, const asio::ip::address& address) {
  ice::config c;
  c.mode = m;
  c.local_address = address;
  return c;
}

awaitable<void> exchange(datagram_pipe& from, datagram_pipe& to, unsigned number) {
  datagram_batch batch;
  for (unsigned i = 0; i < 20; ++i) batch.push(test::dtls_like(number + i, 1200));
  from.send(batch);
  datagram_batch got;
  while (got.size() < batch.size()) co_await to.receive(got);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool same = std::equal(got[i].begin(), got[i].end(), batch[i].begin(), batch[i].end());
    REQUIRE(same);
  }
}

// Two endpoints meet, and each sends to the other. The first one made the offer.
void meet(const ice::config& ours, ice::config theirs) {
  theirs.controlling = false;
  asio::io_context context(1);
  port_pool ports(0, 0);
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto a = *ice::reserve(executor, ours, ports);
    auto b = *ice::reserve(executor, theirs, ports);
    auto body = [&](task_group& tasks) -> awaitable<void> {
      std::unique_ptr<datagram_pipe> path_a;
      std::unique_ptr<datagram_pipe> path_b;
      task_group both(executor, "both");
      both.spawn("a", [&]() -> awaitable<void> { path_a = co_await ice::connect(tasks, *a, told(*b)); });
      both.spawn("b", [&]() -> awaitable<void> {
        path_b = co_await ice::connect(tasks, *b, told(*a));
        co_await answer_until(path_a, *path_b);
      });
      co_await until(deadline_after(20s), both.join());
      REQUIRE(a->remote_address() == b->local().address);
      REQUIRE(b->remote_address() == a->local().address);
      co_await until(deadline_after(20s), exchange(*path_a, *path_b, 1));
      co_await until(deadline_after(20s), exchange(*path_b, *path_a, 100));
      REQUIRE(a->counted().datagrams_out >= 20);
      REQUIRE(b->counted().bytes_in >= 20 * 1200);
    };
    co_await with_tasks("call", body);
  });
}

const asio::ip::address v4 = asio::ip::address_v4::loopback();

}  // namespace

TEST_CASE("a full agent has its address, credentials and candidates from the reserve on") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto e = ice::reserve(context.get_executor(), mode(ice::agent_mode::full, v4), ports);
  REQUIRE(e.has_value());
  const auto& local = (*e)->local();
  REQUIRE_FALSE(local.lite);
  REQUIRE(ice::valid(local.credentials));
  REQUIRE(local.address.address() == v4);
  REQUIRE(local.address.port() != 0);
  REQUIRE(local.candidates.size() == 1);
}

TEST_CASE("a full agent takes its port from the range, and says when none is left") {
  asio::io_context context(1);
  for (std::uint16_t low = 42000; low < 60000; low = static_cast<std::uint16_t>(low + 7)) {
    port_pool ports(low, static_cast<std::uint16_t>(low + 1));
    auto a = ice::reserve(context.get_executor(), mode(ice::agent_mode::full, v4), ports);
    auto b = ice::reserve(context.get_executor(), mode(ice::agent_mode::full, v4), ports);
    if (a.has_error() || b.has_error()) continue;
    REQUIRE((*a)->local().address.port() + (*b)->local().address.port() == 2 * low + 1);
    auto none = ice::reserve(context.get_executor(), mode(ice::agent_mode::full, v4), ports);
    REQUIRE(none.has_error());
    auto lite = ice::reserve(context.get_executor(), mode(ice::agent_mode::lite, v4), ports);
    REQUIRE(lite.has_error());
    return;
  }
  FAIL("no two neighbouring ports are free");
}

TEST_CASE("a full agent controls a lite one, and datagrams pass both ways") {
  meet(mode(ice::agent_mode::full, v4), mode(ice::agent_mode::lite, v4));
}

TEST_CASE("the same over IPv6") {
  const asio::ip::address v6 = asio::ip::address_v6::loopback();
  meet(mode(ice::agent_mode::full, v6), mode(ice::agent_mode::lite, v6));
}

TEST_CASE("two full agents meet") { meet(mode(ice::agent_mode::full, v4), mode(ice::agent_mode::full, v4)); }

TEST_CASE("a full agent is cancelled while it checks, and ends while its peer is silent") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto a = *ice::reserve(executor, mode(ice::agent_mode::full, v4), ports);
    task_group tasks(executor, "call");
    ice::remote_parameters remote;
    remote.credentials = ice::make_credentials();
    remote.candidates = {"1 1 UDP 2130706431 127.0.0.1 9 typ host"};
    bool timed_out = false;
    try {
      auto path = co_await until(deadline_after(50ms), ice::connect(tasks, *a, remote));
    } catch (const system_error& e) {
      timed_out = e.code() == core_error::timed_out;
    }
    REQUIRE(timed_out);
    REQUIRE(tasks.empty());
  });
}

TEST_CASE("hundreds of full agents come and go") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  for (int i = 0; i < 100; ++i) {
    auto a = ice::reserve(context.get_executor(), mode(ice::agent_mode::full, v4), ports);
    REQUIRE(a.has_value());
  }
  context.poll();
}

TEST_CASE("a full agent shows the advertised address and a candidate of each family") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto settings = mode(ice::agent_mode::full, v4);
  settings.advertised_address = asio::ip::make_address("203.0.113.9");
  const asio::ip::address v6 = asio::ip::address_v6::loopback();
  settings.other_family = ice::host_address{v6, v6};
  auto e = ice::reserve(context.get_executor(), settings, ports);
  REQUIRE(e.has_value());
  const auto& local = (*e)->local();
  CHECK(local.address.address() == *settings.advertised_address);
  REQUIRE(local.other_family);
  CHECK(local.other_family->address() == v6);
  REQUIRE(local.candidates.size() == 2);
  for (const auto& line : local.candidates) CHECK(line.find("127.0.0.1") == std::string::npos);
}

TEST_CASE("a full agent without a server has gathered at once; one whose server is silent has its own candidates after the deadline") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto silent = *udp::socket::open(context.get_executor(), v4, ports);
  auto settings = mode(ice::agent_mode::full, v4);
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto alone = *ice::reserve(executor, settings, ports);
    co_await alone->gathered(no_deadline);
    settings.stun = silent.local();
    auto asking = *ice::reserve(executor, settings, ports);
    co_await until(deadline_after(20s), silent.wait_readable());
    co_await asking->gathered(deadline_after(1ms));
    CHECK(asking->local().candidates.size() == 1);
  });
}

TEST_CASE("an ICE restart moves a full agent to a peer elsewhere; until then the old pair carries") {
  const auto peer_mode = GENERATE(ice::agent_mode::lite, ice::agent_mode::full);
  const bool by_peer_alone = GENERATE(false, true);
  asio::io_context context(1);
  port_pool ports(0, 0);
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto theirs = mode(peer_mode, v4);
    theirs.controlling = false;
    auto a = *ice::reserve(executor, mode(ice::agent_mode::full, v4), ports);
    auto b = *ice::reserve(executor, theirs, ports);
    auto c = *ice::reserve(executor, theirs, ports);
    auto body = [&](task_group& tasks) -> awaitable<void> {
      std::unique_ptr<datagram_pipe> path_a;
      std::unique_ptr<datagram_pipe> path_b;
      std::unique_ptr<datagram_pipe> path_c;
      task_group both(executor, "both");
      both.spawn("a", [&]() -> awaitable<void> { path_a = co_await ice::connect(tasks, *a, told(*b)); });
      both.spawn("b", [&]() -> awaitable<void> {
        path_b = co_await ice::connect(tasks, *b, told(*a));
        co_await answer_until(path_a, *path_b);
      });
      co_await until(deadline_after(20s), both.join());
      REQUIRE(a->remote_address() == b->local().address);

      const auto before = a->local().credentials;
      if (!by_peer_alone) REQUIRE_FALSE(a->restart());
      REQUIRE((a->local().credentials == before) == by_peer_alone);
      co_await until(deadline_after(20s), exchange(*path_a, *path_b, 1));
      both.spawn("c", [&]() -> awaitable<void> { path_c = co_await ice::connect(tasks, *c, told(*a)); });
      REQUIRE_FALSE(a->update(told(*c)));
      co_await until(deadline_after(20s), both.join());
      datagram_batch none;
      while (a->remote_address() != c->local().address) (void)co_await within(deadline_after(10ms), path_c->receive(none));
      co_await until(deadline_after(20s), exchange(*path_a, *path_c, 1));
      co_await until(deadline_after(20s), exchange(*path_c, *path_a, 100));
    };
    co_await with_tasks("call", body);
  });
}

namespace {

// Answers a Binding request as a NAT's outer address would be told: 203.0.113.7:4444 (RFC 8489, 14.2).
std::vector<std::byte> binding_answer(std::span<const std::byte> request) {
  REQUIRE(request.size() >= 20);
  std::vector<std::byte> out(request.begin(), request.begin() + 20);
  const auto put = [&out](std::initializer_list<int> octets) {
    for (const int o : octets) out.push_back(static_cast<std::byte>(o));
  };
  out[0] = out[1] = std::byte{1};
  out[2] = std::byte{0};
  out[3] = std::byte{12};
  put({0, 0x20, 0, 8, 0, 1, (4444 >> 8) ^ 0x21, (4444 & 255) ^ 0x12, 203 ^ 0x21, 0 ^ 0x12, 113 ^ 0xA4, 7 ^ 0x42});
  return out;
}

}  // namespace

TEST_CASE("what a STUN server says becomes a server reflexive candidate, and the default one") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto server = *udp::socket::open(context.get_executor(), v4, ports);
  auto settings = mode(ice::agent_mode::full, v4);
  settings.stun = server.local();
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto e = *ice::reserve(executor, settings, ports);
    co_await until(deadline_after(20s), server.wait_readable());
    for (const auto& request : server.receive()) {
      const auto answer = binding_answer(request.bytes);
      server.send(bytes_view(answer), *request.source);
    }
    co_await e->gathered(deadline_after(20s));
    const auto& local = e->local();
    REQUIRE(local.candidates.size() == 2);
    CHECK(local.candidates[1].find(" 203.0.113.7 4444 typ srflx raddr 127.0.0.1 rport ") != std::string::npos);
    CHECK(local.address == udp::endpoint(asio::ip::make_address("203.0.113.7"), 4444));
  });
}

namespace {

// A NAT: what comes from `inside` leaves by the outer port that is in use, what comes to that one goes inside.
class nat {
 public:
  nat(loop_executor executor, port_pool& ports)
      : inner(*udp::socket::open(executor, v4, ports)),
        first(*udp::socket::open(executor, v4, ports)),
        second(*udp::socket::open(executor, v4, ports)) {}

  awaitable<void> outwards() {
    for (;;) {
      co_await inner.wait_readable();
      for (auto all = inner.receive(); !all.empty(); all = inner.receive()) {
        for (const auto& a : all) {
          inside = *a.source;
          (moved ? second : first).send(a.bytes, outside);
        }
      }
    }
  }
  awaitable<void> inwards(udp::socket& from, bool when_moved) {
    for (;;) {
      co_await from.wait_readable();
      for (auto all = from.receive(); !all.empty(); all = from.receive()) {
        for (const auto& a : all) {
          if (moved == when_moved || both_live) inner.send(a.bytes, inside);
        }
      }
    }
  }

  udp::socket inner;
  udp::socket first;
  udp::socket second;
  udp::endpoint inside;
  udp::endpoint outside;
  bool moved = false;
  bool both_live = false;  // what comes to either port goes inside
};

}  // namespace

namespace {

// Sends valid checks from ports that come and go, one after the other, until each is answered.
awaitable<void> check_from_ports(unsigned many, const test::check& check, test::ice_client& client, const udp::endpoint& to, port_pool& ports) {
  auto executor = co_await asio::this_coro::executor;
  const auto datagram = client.compose(check);
  for (unsigned i = 0; i < many; ++i) {
    auto socket = *udp::socket::open(executor, v4, ports);
    while (socket.receive().empty()) {
      socket.send(bytes_view(datagram), to);
      (void)co_await within(deadline_after(50ms), socket.wait_readable());
    }
  }
}

}  // namespace

TEST_CASE("a full agent follows a peer whose NAT gives it another port in mid-call, however many addresses it has seen") {
  const bool controlling = GENERATE(true, false);
  asio::io_context context(1);
  port_pool ports(0, 0);
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto ours = mode(ice::agent_mode::full, v4);
    ours.controlling = controlling;
    auto theirs = ours;
    theirs.controlling = !controlling;
    auto a = *ice::reserve(executor, ours, ports);
    auto b = *ice::reserve(executor, theirs, ports);
    nat between(executor, ports);
    between.outside = a->local().address;
    auto body = [&](task_group& tasks) -> awaitable<void> {
      tasks.spawn("out", [&] { return between.outwards(); });
      tasks.spawn("in", [&] { return between.inwards(between.first, false); });
      tasks.spawn("in", [&] { return between.inwards(between.second, true); });
      auto of_b = told(*b);
      of_b.candidates.clear();  // the peer's address inside is of no use
      auto of_a = told(*a);
      ice::candidate through;
      through.foundation = "1";
      through.priority = ice::candidate_priority(ice::candidate_type::host, 65535);
      through.address = between.inner.local();
      of_a.candidates = {ice::format_candidate(through)};
      std::unique_ptr<datagram_pipe> path_a;
      std::unique_ptr<datagram_pipe> path_b;
      task_group both(executor, "both");
      both.spawn("a", [&]() -> awaitable<void> { path_a = co_await ice::connect(tasks, *a, of_b); });
      both.spawn("b", [&]() -> awaitable<void> { path_b = co_await ice::connect(tasks, *b, of_a); });
      co_await until(deadline_after(20s), both.join());
      REQUIRE(a->remote_address() == between.first.local());
      co_await until(deadline_after(20s), exchange(*path_b, *path_a, 1));
      test::ice_client elsewhere(b->local().credentials, a->local().credentials);
      auto check = elsewhere.valid_check();
      check.controlled = controlling;
      co_await check_from_ports(20, check, elsewhere, a->local().address, ports);
      between.moved = true;
      tasks.spawn("sender", [&]() -> awaitable<void> {  // what the peer's checks come between
        datagram_batch batch;
        for (;;) {
          co_await path_b->receive(batch);
          batch.clear();
        }
      });
      while (a->remote_address() != between.second.local()) {
        datagram_batch batch;
        (void)co_await within(deadline_after(100ms), path_a->receive(batch));
      }
      const auto before = b->counted().datagrams_in;
      datagram_batch batch;
      for (unsigned i = 0; i < 20; ++i) batch.push(test::dtls_like(i, 1200));
      path_a->send(batch);
      while (b->counted().datagrams_in < before + 20) {
        auto later = asio::post(executor, use_awaitable);
        co_await std::move(later);
      }
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("a full agent keeps to the selected pair when a check comes from another port and the pair still answers") {
  const bool controlling = GENERATE(true, false);
  asio::io_context context(1);
  port_pool ports(0, 0);
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto ours = mode(ice::agent_mode::full, v4);
    ours.controlling = controlling;
    auto theirs = ours;
    theirs.controlling = !controlling;
    auto a = *ice::reserve(executor, ours, ports);
    auto b = *ice::reserve(executor, theirs, ports);
    nat between(executor, ports);
    between.outside = a->local().address;
    between.both_live = true;
    std::vector<udp::endpoint> reflexive;
    a->on_peer_reflexive = [&](const udp::endpoint& found) { reflexive.push_back(found); };
    auto body = [&](task_group& tasks) -> awaitable<void> {
      tasks.spawn("out", [&] { return between.outwards(); });
      tasks.spawn("in", [&] { return between.inwards(between.first, false); });
      tasks.spawn("in", [&] { return between.inwards(between.second, true); });
      auto of_b = told(*b);
      of_b.candidates.clear();
      auto of_a = told(*a);
      ice::candidate through;
      through.foundation = "1";
      through.priority = ice::candidate_priority(ice::candidate_type::host, 65535);
      through.address = between.inner.local();
      of_a.candidates = {ice::format_candidate(through)};
      std::unique_ptr<datagram_pipe> path_a;
      std::unique_ptr<datagram_pipe> path_b;
      task_group both(executor, "both");
      both.spawn("a", [&]() -> awaitable<void> { path_a = co_await ice::connect(tasks, *a, of_b); });
      both.spawn("b", [&]() -> awaitable<void> { path_b = co_await ice::connect(tasks, *b, of_a); });
      co_await until(deadline_after(20s), both.join());
      REQUIRE(a->remote_address() == between.first.local());
      tasks.spawn("peer", [&]() -> awaitable<void> {  // what the peer's answers come between
        datagram_batch batch;
        for (;;) {
          co_await path_b->receive(batch);
          batch.clear();
        }
      });
      test::ice_client second_interface(b->local().credentials, a->local().credentials);
      auto check = second_interface.valid_check();
      check.controlled = controlling;
      const auto datagram = second_interface.compose(check);
      between.second.send(bytes_view(datagram), between.outside);
      const auto until_judged = [&](clock::duration by) -> awaitable<void> {
        const auto end = deadline_after(by);
        datagram_batch batch;
        while (clock::now() < end) (void)co_await within(end, path_a->receive(batch));
      };
      while (reflexive.empty() || reflexive.back() != between.second.local()) co_await until_judged(10ms);
      REQUIRE(a->remote_address() == between.first.local());
      co_await until_judged(2500ms);  // past the time after which a silent pair is left
      REQUIRE(a->remote_address() == between.first.local());
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("a full agent reports sixty-four peer reflexive addresses of a call, and no more") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto a = *ice::reserve(executor, mode(ice::agent_mode::full, v4), ports);
    test::ice_client client(ice::make_credentials(), a->local().credentials);
    std::vector<udp::endpoint> reflexive;
    a->on_peer_reflexive = [&](const udp::endpoint& found) { reflexive.push_back(found); };
    ice::remote_parameters remote;
    remote.credentials = client.own();
    auto body = [&](task_group& tasks) -> awaitable<void> {
      auto pending = [&]() -> awaitable<void> { (void)co_await ice::connect(tasks, *a, remote); };
      tasks.spawn("connect", pending);
      auto check = client.valid_check();
      check.controlled = true;
      // libnice answers some checks before it takes part itself, and learns nothing from those.
      while (reflexive.size() < 64) co_await check_from_ports(1, check, client, a->local().address, ports);
      co_await check_from_ports(10, check, client, a->local().address, ports);
      REQUIRE(reflexive.size() == 64);
    };
    co_await with_tasks("call", body);
  });
}
