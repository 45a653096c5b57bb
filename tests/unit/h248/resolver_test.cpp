// The resolver against a name server of this test, on loopback.
#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <agw/core/event.hpp>
#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/error.hpp>
#include <agw/h248/resolver.hpp>

#include "name_server.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace agw::h248;
using namespace agw::h248::test;

namespace {

template <class F>
void with_server(F test) {
  agw::test::run([&]() -> awaitable<void> {
    name_server server(co_await asio::this_coro::executor);
    resolver_config config;
    config.servers = server.address();
    config.server_timeout = std::chrono::milliseconds(100);
    resolver names(config);
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("server", [&]() -> awaitable<void> { co_await server.run(); });
      co_await test(server, names);
    };
    co_await with_tasks("test", std::move(body));
  });
}

std::vector<std::string> texts(const result<resolver::answer>& of) {
  std::vector<std::string> out;
  if (!of) return out;
  for (const auto& address : of->addresses) out.push_back(to_text(address));
  return out;
}

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("the services of a name come by priority, each at its port") {
  with_server([](name_server& server, resolver& names) -> awaitable<void> {
    server.records["_megaco-h248._udp.mgc.test"] = {{ns_t_srv, 60, srv(20, 0, 3000, "b.test")}, {ns_t_srv, 60, srv(10, 5, 2950, "a.test")}};
    server.records["a.test"] = {{ns_t_a, 60, a("192.0.2.1")}};
    server.records["b.test"] = {{ns_t_a, 60, a("192.0.2.2")}};
    const auto found = co_await names.resolve(peer_name::parse("mgc.test").value());
    REQUIRE(texts(found) == strings{"192.0.2.1:2950", "192.0.2.2:3000"});
    // Over TCP there is another service, here none.
    server.records["mgc.test"] = {{ns_t_a, 60, a("192.0.2.3")}};
    const auto tcp = co_await names.resolve(peer_name::parse("tcp:mgc.test").value());
    REQUIRE(texts(tcp) == strings{"tcp:192.0.2.3:2944"});
    REQUIRE(std::ranges::find(server.asked, "_megaco-h248._tcp.mgc.test SRV") != server.asked.end());
  });
}

TEST_CASE("a name with a port of its own is no service") {
  with_server([](name_server& server, resolver& names) -> awaitable<void> {
    server.records["mgc.test"] = {{ns_t_a, 60, a("192.0.2.3")}, {ns_t_aaaa, 60, aaaa("2001:db8::3")}};
    const auto found = co_await names.resolve(peer_name::parse("mgc.test:5000").value());
    auto all = texts(found);
    std::ranges::sort(all);
    REQUIRE(all == strings{"192.0.2.3:5000", "[2001:db8::3]:5000"});
    for (const auto& question : server.asked) REQUIRE(question.find("SRV") == std::string::npos);
  });
}

TEST_CASE("answers are kept as long as the least TTL says") {
  with_server([](name_server& server, resolver& names) -> awaitable<void> {
    server.records["_megaco-h248._udp.mgc.test"] = {{ns_t_srv, 60, srv(1, 0, 2944, "a.test")}};
    server.records["a.test"] = {{ns_t_a, 20, a("192.0.2.1")}};
    const auto name = peer_name::parse("mgc.test").value();
    const auto begin = agw::clock::now();
    const auto first = co_await names.resolve(name);
    REQUIRE(first.has_value());
    REQUIRE(first->until >= begin + std::chrono::seconds(20));
    REQUIRE(first->until <= agw::clock::now() + std::chrono::seconds(20));
    const auto count = server.asked.size();
    const auto second = co_await names.resolve(name);
    REQUIRE(texts(second) == texts(first));
    REQUIRE(server.asked.size() == count);
    // TTL 0: for this once.
    server.records["now.test"] = {{ns_t_a, 0, a("192.0.2.9")}};
    for (int i = 0; i < 2; ++i) {
      const auto before = server.asked.size();
      const auto found = co_await names.resolve(peer_name::parse("now.test:1").value());
      REQUIRE(found.has_value());
      REQUIRE(server.asked.size() > before);
    }
  });
}

TEST_CASE("a name that is not there, and a server that says nothing, are no address") {
  with_server([](name_server& server, resolver& names) -> awaitable<void> {
    const auto missing = co_await names.resolve(peer_name::parse("missing.test").value());
    REQUIRE(missing.error() == make_error_code(errc::bad_address));
    server.mute = true;
    const auto silent = co_await names.resolve(peer_name::parse("silent.test:1").value());
    REQUIRE(silent.error() == make_error_code(errc::bad_address));
    // Whoever does not want to wait for it does not.
    const auto begin = agw::clock::now();
    const auto cut = co_await within(deadline_after(std::chrono::milliseconds(30)), names.resolve(peer_name::parse("other.test:1").value()));
    REQUIRE_FALSE(cut);
    REQUIRE(agw::clock::now() - begin < std::chrono::seconds(5));
    server.mute = false;
    server.records["other.test"] = {{ns_t_a, 60, a("192.0.2.4")}};
    const auto found = co_await names.resolve(peer_name::parse("other.test:1").value());
    REQUIRE(texts(found) == strings{"192.0.2.4:1"});
  });
}

TEST_CASE("several names are looked up at the same time") {
  with_server([](name_server& server, resolver& names) -> awaitable<void> {
    std::size_t found = 0;
    event all_found;
    auto body = [&](task_group& group) -> awaitable<void> {
      for (int i = 0; i < 20; ++i) {
        const auto host = "h" + std::to_string(i) + ".test";
        server.records[host] = {{ns_t_a, 60, a(("192.0.2." + std::to_string(i)).c_str())}};
        group.spawn("one", [&, host, i]() -> awaitable<void> {
          const auto answer = co_await names.resolve(peer_name::parse(host + ":7").value());
          REQUIRE(texts(answer) == strings{"192.0.2." + std::to_string(i) + ":7"});
          if (++found == 20) all_found.set();
        });
      }
      co_await all_found.wait();
    };
    co_await with_tasks("all", std::move(body));
  });
}

TEST_CASE("an address stands for itself, and is not looked up") {
  with_server([](name_server& server, resolver& names) -> awaitable<void> {
    const auto found = co_await names.resolve(peer_name::parse("tcp:[::1]:5").value());
    REQUIRE(texts(found) == strings{"tcp:[::1]:5"});
    REQUIRE(server.asked.empty());
  });
}
