#include <boost/asio/post.hpp>

#include "agw/http/server.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agw/core/metrics.hpp"
#include "agw/core/sockets.hpp"
#include "agw/http/routes.hpp"
#include "harness.hpp"

using namespace agw;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using test::client;
using test::tcp;

namespace {

constexpr unsigned char page[] = {'<', 'p', '>', 0xc3, 0xbc};
constexpr http::asset files[] = {{"/", "text/html; charset=utf-8", page}};

http::response text(std::string body) {
  http::response r;
  r.body = std::move(body);
  return r;
}

// A server with the routes that the tests need.
struct fixture {
  explicit fixture(http::server_config config = test::loopback()) : server(context.get_executor(), config) {
    server.route("/healthz", [](http::request) -> awaitable<http::response> { co_return text("ok\n"); });
    server.route("/query", [](http::request r) -> awaitable<http::response> { co_return text(r.path + "|" + r.query); });
    server.route("/throws", [](http::request) -> awaitable<http::response> {
      throw std::runtime_error("broken on purpose");
      co_return text("");
    });
    server.route("/never", [this](http::request) -> awaitable<http::response> {
      ++waiting;
      co_await sleep_until(no_deadline);
      co_return text("");
    });
    server.assets(files);
    server.add_header("Referrer-Policy", "no-referrer");
  }

  std::string ask(std::string request) {
    std::string out;
    test::with_server(server, context, [&](tcp::endpoint to) -> awaitable<void> {
      client c(context.get_executor(), to);
      out = co_await c.ask(std::move(request));
    });
    return out;
  }

  asio::io_context context{1};
  http::server server;
  int waiting = 0;
};

/// For as long as it lives; what is open stays.
struct no_descriptors_left {
  no_descriptors_left() {
    ::getrlimit(RLIMIT_NOFILE, &before);
    auto few = before;
    few.rlim_cur = std::min<rlim_t>(before.rlim_max, 256);
    ::setrlimit(RLIMIT_NOFILE, &few);
    take();
  }
  std::size_t take() {
    const auto had = taken.size();
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
    return taken.size() - had;
  }
  ~no_descriptors_left() {
    for (const int fd : taken) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before);
  }
  rlimit before{};
  std::vector<int> taken;
};

std::string get(std::string_view path, std::string_view more = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + std::string(more) + "\r\n";
}

}  // namespace

TEST_CASE("a route answers with its handler's response and the common headers") {
  const auto out = fixture().ask(get("/healthz"));
  CHECK_THAT(out, StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(out, Contains("Content-Length: 3\r\n") && Contains("X-Content-Type-Options: nosniff\r\n"));
  CHECK_THAT(out, Contains("Referrer-Policy: no-referrer\r\n") && EndsWith("\r\n\r\nok\n"));
}

TEST_CASE("the query is parted from the path") { CHECK_THAT(fixture().ask(get("/query?a=1?b")), EndsWith("/query|a=1?b")); }

TEST_CASE("an asset is served byte by byte with its type") {
  const auto out = fixture().ask(get("/"));
  CHECK_THAT(out, Contains("Content-Type: text/html; charset=utf-8\r\n") && EndsWith("\r\n\r\n<p>\xc3\xbc"));
}

TEST_CASE("HEAD has the headers of GET and no body") {
  const auto out = fixture().ask("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK_THAT(out, Contains("Content-Length: 3\r\n") && EndsWith("\r\n\r\n"));
}

TEST_CASE("an unknown path is 404, another method 405, a handler that throws 500") {
  CHECK_THAT(fixture().ask(get("/nowhere")), StartsWith("HTTP/1.1 404 "));
  const auto post = fixture().ask("POST /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
  CHECK_THAT(post, StartsWith("HTTP/1.1 405 ") && Contains("Allow: GET, HEAD\r\n"));
  CHECK_THAT(fixture().ask(get("/throws")), StartsWith("HTTP/1.1 500 "));
}

TEST_CASE("a connection is kept for further requests, pipelined ones too") {
  fixture f;
  test::with_server(f.server, f.context, [&](tcp::endpoint to) -> awaitable<void> {
    client c(f.context.get_executor(), to);
    co_await c.connect();
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    co_await c.send(request + request);
    for (int i = 0; i < 3; ++i) {
      const auto head = co_await c.head();
      CHECK_THAT(head, StartsWith("HTTP/1.1 200 "));
      const auto body = co_await c.take(3);
      CHECK(body == "ok\n");
      if (i == 1) co_await c.send(request);
    }
    CHECK(f.server.connections() == 1);
  });
}

TEST_CASE("HTTP/1.0 is answered and closed") { CHECK_THAT(fixture().ask("GET /healthz HTTP/1.0\r\n\r\n"), EndsWith("ok\n")); }

TEST_CASE("garbage is 400, too long a header 431, too long a body 413; each closes the connection") {
  CHECK_THAT(fixture().ask("\x16\x03\x01garbage\r\n\r\n"), StartsWith("HTTP/1.1 400 ") && Contains("Connection: close\r\n"));
  CHECK_THAT(fixture().ask("GET /healthz HTTP/9.9\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  CHECK_THAT(fixture().ask(get("/healthz", "X: " + std::string(100'000, 'a') + "\r\n")), StartsWith("HTTP/1.1 431 "));
  CHECK_THAT(fixture().ask(get("/" + std::string(100'000, 'a'))), StartsWith("HTTP/1.1 431 "));
  CHECK_THAT(fixture().ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  CHECK_THAT(fixture().ask("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n"), StartsWith("HTTP/1.1 4"));
}

TEST_CASE("a request that trickles in is ended by its deadline, however it trickles") {
  fixture f;
  test::manual_clock clock(f.context);
  const auto at = f.server.listen();
  REQUIRE(at);
  task_group group(f.context.get_executor(), "test");
  group.spawn("server", [&f] { return f.server.run(); });
  client c(f.context.get_executor(), *at);
  std::string answer;
  group.spawn("client", [&]() -> awaitable<void> {
    co_await c.connect();
    co_await c.send("GET /healthz HTTP/1.1\r\n");
    answer = co_await c.rest();
  });
  clock.settle();
  REQUIRE(f.server.connections() == 1);
  error_code ec;
  for (int second = 0; second < 9; ++second) {
    clock.advance(1s);
    asio::write(c.socket(), asio::buffer("X: y\r\n", 6), ec);
  }
  CHECK(f.server.connections() == 1);
  CHECK(answer.empty());
  clock.advance(2s);
  c.socket().shutdown(tcp_socket::shutdown_send, ec);
  clock.settle();
  CHECK_THAT(answer, StartsWith("HTTP/1.1 408 "));
  CHECK(f.server.connections() == 0);
  group.cancel();
  clock.settle();
  REQUIRE(group.empty());
}

TEST_CASE("a silent connection ends after the idle time, a slow handler with 503") {
  fixture f;
  test::manual_clock clock(f.context);
  const auto at = f.server.listen();
  REQUIRE(at);
  task_group group(f.context.get_executor(), "test");
  group.spawn("server", [&f] { return f.server.run(); });
  client silent(f.context.get_executor(), *at);
  client slow(f.context.get_executor(), *at);
  std::string said = "?";
  std::string answer;
  group.spawn("silent", [&]() -> awaitable<void> {
    co_await silent.connect();
    said = co_await silent.rest();
  });
  group.spawn("slow", [&]() -> awaitable<void> { answer = co_await slow.ask(get("/never")); });
  clock.settle();
  REQUIRE(f.server.connections() == 2);
  clock.advance(31s);
  CHECK_THAT(answer, StartsWith("HTTP/1.1 503 "));
  CHECK(said == "?");
  clock.advance(30s);
  CHECK(said.empty());
  CHECK(f.server.connections() == 0);
  group.cancel();
  clock.settle();
  REQUIRE(group.empty());
}

TEST_CASE("one connection too many closes the one that has been idle for longest, and the others go on") {
  auto config = test::loopback();
  config.max_connections = 2;
  fixture f(config);
  test::with_server(f.server, f.context, [&](tcp::endpoint to) -> awaitable<void> {
    const auto executor = f.context.get_executor();
    client first(executor, to), second(executor, to), third(executor, to);
    co_await first.connect();
    while (f.server.connections() < 1) co_await asio::post(f.context, use_awaitable);
    co_await second.connect();
    while (f.server.connections() < 2) co_await asio::post(f.context, use_awaitable);
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    co_await first.send(request);  // now the second one has waited for longer
    co_await first.head();
    const auto body = co_await first.take(3);
    CHECK(body == "ok\n");
    const auto served = co_await third.ask(get("/healthz"));
    CHECK_THAT(served, EndsWith("ok\n"));
    const auto ended = co_await second.rest();
    CHECK(ended.empty());
    co_await first.send(get("/healthz"));
    const auto out = co_await first.rest();
    CHECK_THAT(out, EndsWith("ok\n"));
  });
}

TEST_CASE("where no connection is idle, one more is answered 503") {
  auto config = test::loopback();
  config.max_connections = 2;
  fixture f(config);
  test::with_server(f.server, f.context, [&](tcp::endpoint to) -> awaitable<void> {
    const auto executor = f.context.get_executor();
    client first(executor, to), second(executor, to), third(executor, to);
    for (auto* c : {&first, &second}) {
      co_await c->connect();
      co_await c->send(get("/never"));
    }
    while (f.waiting < 2) co_await asio::post(f.context, use_awaitable);
    const auto refused = co_await third.ask("");
    CHECK_THAT(refused, StartsWith("HTTP/1.1 503 "));
    CHECK(f.server.connections() == 2);
  });
}

TEST_CASE("a request whose rest does not come gives way as an idle connection does") {
  auto config = test::loopback();
  config.max_host_connections = 1;
  fixture f(config);
  test::with_server(f.server, f.context, [&](tcp::endpoint to) -> awaitable<void> {
    const auto executor = f.context.get_executor();
    client slow(executor, to), other(executor, to);
    co_await slow.connect();
    co_await slow.send("GET /healthz HTTP/1.1\r\nHost: local");
    while (f.server.connections() < 1) co_await asio::post(f.context, use_awaitable);
    const auto served = co_await other.ask(get("/healthz"));
    CHECK_THAT(served, EndsWith("ok\n"));
    const auto ended = co_await slow.rest();
    CHECK(ended.empty());
  });
}

TEST_CASE("health is told beside a thousand idle connections, and most of them are closed") {
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = std::min<rlim_t>(descriptors.rlim_max, 4096);
  setrlimit(RLIMIT_NOFILE, &descriptors);
  fixture f;
  test::with_server(f.server, f.context, [&](tcp::endpoint to) -> awaitable<void> {
    const auto executor = f.context.get_executor();
    std::vector<std::unique_ptr<client>> idle;
    for (int i = 0; i < 1000; ++i) {
      idle.push_back(std::make_unique<client>(executor, to));
      co_await idle.back()->connect();
    }
    client asking(executor, to);
    const auto served = co_await asking.ask(get("/healthz"));
    CHECK_THAT(served, EndsWith("ok\n"));
    CHECK(f.server.connections() <= http::server_config().max_host_connections);
  });
}

TEST_CASE("a server whose process is out of descriptors answers still, one connection at a time") {
  fixture f;
  test::with_server(f.server, f.context, [&](tcp::endpoint to) -> awaitable<void> {
    std::vector<std::unique_ptr<client>> asking;
    for (int i = 0; i < 3; ++i) {
      asking.push_back(std::make_unique<client>(f.context.get_executor(), to));
      asking.back()->socket().open(tcp::v4());
    }
    no_descriptors_left none;
    for (auto& c : asking) {
      const auto served = co_await c->ask(get("/healthz"));
      CHECK_THAT(served, EndsWith("ok\n"));
      while (f.server.connections() > 0) co_await sleep_until(deadline_after(1ms));
      co_await sleep_until(deadline_after(200ms));  // longer than the server pauses after a failure
      CHECK(none.take() == 0);                      // it keeps what it has while nobody comes
    }
  });
}

TEST_CASE("a request for another server's name is misdirected") {
  const auto ask = [](const std::string& host, std::vector<std::string> names = {}) {
    auto config = test::loopback();
    config.names = std::move(names);
    return fixture(config).ask("GET /healthz HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
  };
  for (const std::string host : {"localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1:8080", "[::1]:8080", "[::1]", "localhost."}) {
    INFO(host);
    CHECK_THAT(ask(host), StartsWith("HTTP/1.1 200 "));
  }
  for (const std::string host : {"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "localhost:80:80", "::1", "[127.0.0.1]", "", "localhost@evil.example", "xlocalhost"}) {
    INFO(host);
    CHECK_THAT(ask(host), StartsWith("HTTP/1.1 421 "));
  }
  CHECK_THAT(ask("gateway.example", {"gateway.example"}), StartsWith("HTTP/1.1 200 "));
  CHECK_THAT(ask("anything.example", {"*"}), StartsWith("HTTP/1.1 200 "));
  CHECK_THAT(ask("other.example", {"gateway.example"}), StartsWith("HTTP/1.1 421 "));
}

TEST_CASE("a request has one Host, but for HTTP/1.0") {
  CHECK_THAT(fixture().ask("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  CHECK_THAT(fixture().ask(get("/healthz", "Host: evil.example\r\n")), StartsWith("HTTP/1.1 400 "));
  CHECK_THAT(fixture().ask("GET /healthz HTTP/1.0\r\nHost: evil.example\r\n\r\n"), StartsWith("HTTP/1.0 421 "));
}

TEST_CASE("every response has a Content-Security-Policy, errors too") {
  for (const auto path : {"/healthz", "/", "/nowhere"}) {
    const auto out = fixture().ask(get(path));
    CHECK_THAT(out, Contains("Content-Security-Policy: default-src 'self';") && Contains("frame-ancestors 'none'"));
  }
}

TEST_CASE("metrics and health are served as every program has them") {
  fixture f;
  metrics counted;
  counted.gauge("agw_something", "For the test.").Set(3);
  http::add_metrics(f.server, counted);
  http::add_health(f.server, [] { return std::string("{\"status\":\"ok\"}\n"); });
  CHECK_THAT(f.ask(get("/metrics")), Contains("text/plain; version=0.0.4") && Contains("agw_something 3"));
  fixture other;
  http::add_health(other.server, [] { return std::string("{\"status\":\"ok\"}\n"); });
  CHECK_THAT(other.ask(get("/healthz")), Contains("application/json") && EndsWith("{\"status\":\"ok\"}\n"));
}

TEST_CASE("cancelling the server ends handlers and connections before run returns") {
  fixture f;
  test::with_server(f.server, f.context, [&](tcp::endpoint to) -> awaitable<void> {
    client c(f.context.get_executor(), to);
    co_await c.connect();
    co_await c.send(get("/never"));
    while (f.waiting == 0) co_await asio::post(f.context, use_awaitable);
  });
  CHECK(f.server.connections() == 0);
}

TEST_CASE("listening on an address in use is an error, not an exception") {
  fixture f;
  const auto at = f.server.listen();
  REQUIRE(at);
  http::server_config config;
  config.address = *at;
  http::server other(f.context.get_executor(), config);
  const auto second = other.listen();
  REQUIRE(second.has_error());
  CHECK(second.error() == asio::error::address_in_use);
}
