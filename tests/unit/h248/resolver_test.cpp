// The resolver against a name server of this test, on loopback.
#include <arpa/nameser.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <boost/asio/ip/udp.hpp>
#include <catch2/catch.hpp>

#include <agw/core/event.hpp>
#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/error.hpp>
#include <agw/h248/resolver.hpp>

#include "support/loop.hpp"

using namespace agw;
using namespace agw::h248;
using asio::ip::udp;

namespace {

const auto loopback = asio::ip::make_address("127.0.0.1");

std::string number(std::uint32_t n, int octets) {
  std::string out;
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
  return out;
}
std::string labels(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto part = name.substr(0, name.find('.'));
    out += static_cast<char>(part.size());
    out += part;
    name.remove_prefix(std::min(part.size() + 1, name.size()));
  }
  return out + '\0';
}
std::string a(const char* address) { return number(asio::ip::make_address_v4(address).to_uint(), 4); }
std::string aaaa(const char* address) {
  const auto bytes = asio::ip::make_address_v6(address).to_bytes();
  return std::string(bytes.begin(), bytes.end());
}
std::string srv(int priority, int weight, int port, std::string_view host) {
  return number(static_cast<std::uint32_t>(priority), 2) + number(static_cast<std::uint32_t>(weight), 2) +
         number(static_cast<std::uint32_t>(port), 2) + labels(host);
}

// Answers from a table; for names that it has not it says so, as a name server does. Mute, it says nothing.
struct name_server {
  struct record {
    std::uint16_t type;
    std::uint32_t ttl;
    std::string data;
  };

  explicit name_server(asio::any_io_executor executor) : socket(executor, udp::endpoint(loopback, 0)) {}

  awaitable<void> run() {
    std::string buffer(1500, '\0');
    for (;;) {
      udp::endpoint from;
      const auto size = co_await socket.async_receive_from(asio::buffer(buffer), from, asio::use_awaitable);
      if (mute) continue;
      const auto out = answer(std::string_view(buffer).substr(0, size));
      co_await socket.async_send_to(asio::buffer(out), from, asio::use_awaitable);
    }
  }

  std::string answer(std::string_view question) {
    std::string name;
    std::size_t at = 12;
    for (; question[at] != 0; at += static_cast<std::size_t>(question[at]) + 1) {
      if (!name.empty()) name += '.';
      name += question.substr(at + 1, static_cast<std::size_t>(question[at]));
    }
    const auto type = static_cast<std::uint16_t>(static_cast<unsigned char>(question[at + 1]) << 8 | static_cast<unsigned char>(question[at + 2]));
    asked.push_back(name + (type == ns_t_srv ? " SRV" : type == ns_t_a ? " A" : " AAAA"));
    const bool known = records.contains(name);
    std::string rest;
    std::uint32_t count = 0;
    for (const auto& r : records[name]) {
      if (r.type != type) continue;
      ++count;
      rest += std::string("\xc0\x0c", 2) + number(r.type, 2) + number(1, 2) + number(r.ttl, 4) +
              number(static_cast<std::uint32_t>(r.data.size()), 2) + r.data;
    }
    if (!known) records.erase(name);
    return std::string(question.substr(0, 2)) + number(known ? 0x8580 : 0x8583, 2) + number(1, 2) + number(count, 2) + number(0, 4) +
           std::string(question.substr(12, at + 5 - 12)) + rest;
  }

  udp::socket socket;
  std::map<std::string, std::vector<record>> records;
  std::vector<std::string> asked;
  bool mute = false;
};

template <class F>
void with_server(F test) {
  agw::test::run([&]() -> awaitable<void> {
    name_server server(co_await asio::this_coro::executor);
    resolver_config config;
    config.servers = "127.0.0.1:" + std::to_string(server.socket.local_endpoint().port());
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
