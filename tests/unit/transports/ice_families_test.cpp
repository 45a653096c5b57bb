// Candidates of both families, and those that cannot be used.
#include "ice_fixture.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::ice_fixture;
using test::loopback;
using test::on_loopback;
using test::receive_one;

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
  ice_fixture f(settings);
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
    CHECK(ice_fixture(settings).endpoint->local().candidates.size() == 1);
  }
  SECTION("without ICE") { settings.use_ice = false; }
  ice_fixture f(settings);
  CHECK_FALSE(f.endpoint->local().other_family);
}

TEST_CASE("a peer of either family is answered and served from the socket of its family") {
  for (const bool v6 : {false, true}) {
    ice_fixture f(of_both_families());
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
  ice_fixture f;
  auto remote = f.remote();
  const std::string long_foundation(33, 'x');
  remote.candidates = {"", "1 1 udp 4294967296 192.0.2.1 5 typ host", "1 1 udp 1 3f0c.local 5 typ host", "1 1 sctp 1 192.0.2.1 5 typ host",
                       "1 2 udp 1 192.0.2.1 5 typ host"};
  remote.candidates.push_back(long_foundation);
  remote.candidates.back().append(" 1 udp 1 192.0.2.1 5 typ host");
  const auto before = drops("ice", "candidate");
  CHECK_FALSE(f.endpoint->update(remote));
  CHECK(drops("ice", "candidate") == before + remote.candidates.size());
}
