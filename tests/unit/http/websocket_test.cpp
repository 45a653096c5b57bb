#include <boost/asio/post.hpp>

#include "agw/http/websocket.hpp"

#include <catch2/catch.hpp>

#include "harness.hpp"

using namespace agw;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using test::client;
using test::frame;
using test::read_frame;
using test::tcp;

namespace {

// What the handler saw, and a server with one WebSocket on /ws.
struct fixture {
  explicit fixture(http::websocket_handler handler, http::server_config config = test::loopback())
      : server(context.get_executor(), config) {
    server.websocket("/ws", std::move(handler));
  }

  template <class F>
  void run(F f) {
    test::with_server(server, context, [&](tcp::endpoint to) -> awaitable<void> {
      client c(context.get_executor(), to);
      co_await c.connect();
      co_await f(c);
    });
  }

  asio::io_context context{1};
  http::server server;
};

awaitable<void> echo(http::websocket& socket) {
  while (auto message = co_await socket.receive()) {
    auto text = std::move(*message);
    co_await socket.send(std::move(text));
  }
}

awaitable<void> open(client& c) {
  co_await c.send(test::upgrade("/ws"));
  const auto head = co_await c.head();
  REQUIRE_THAT(head, StartsWith("HTTP/1.1 101 ") && Contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

}  // namespace

TEST_CASE("messages of every length come back, fragmented ones too") {
  fixture(echo).run([](client& c) -> awaitable<void> {
    co_await open(c);
    for (const std::size_t size : {0, 1, 125, 126, 65535, 65536, 200000}) {
      const std::string text(size, 'x');
      co_await c.send(frame(1, text));
      const auto back = co_await read_frame(c);
      CHECK(back.opcode == 1);
      CHECK(back.payload == text);
    }
    co_await c.send(frame(1, "ab", false) + frame(9, "ping") + frame(0, "cd"));
    const auto pong = co_await read_frame(c);
    CHECK(pong.opcode == 10);
    const auto whole = co_await read_frame(c);
    CHECK(whole.payload == "abcd");
  });
}

TEST_CASE("the peer's Close is answered, and the handler sees the end") {
  bool ended = false;
  auto handler = [&ended](http::websocket& socket) -> awaitable<void> {
    const auto nothing = co_await socket.receive();
    CHECK(!nothing);
    CHECK(!socket.is_open());
    const bool sent = co_await socket.send("too late");
    CHECK(!sent);
    ended = true;
  };
  fixture(handler).run([](client& c) -> awaitable<void> {
    co_await open(c);
    co_await c.send(frame(8, "\x03\xe8"));
    const auto close = co_await read_frame(c);
    CHECK(close.opcode == 8);
    const auto rest = co_await c.rest();
    CHECK(rest.empty());
  });
  CHECK(ended);
}

TEST_CASE("a handler that returns closes with what it queued sent before") {
  auto handler = [](http::websocket& socket) -> awaitable<void> {
    CHECK(socket.post("one"));
    co_await socket.send("two");
    socket.close(4000, "bye");
    CHECK(!socket.post("three"));
  };
  fixture(handler).run([](client& c) -> awaitable<void> {
    co_await open(c);
    const auto one = co_await read_frame(c);
    const auto two = co_await read_frame(c);
    CHECK(one.payload + two.payload == "onetwo");
    const auto close = co_await read_frame(c);
    CHECK(close.payload == "\x0f\xa0" "bye");
    co_await c.send(frame(8, "\x0f\xa0"));
    const auto rest = co_await c.rest();
    CHECK(rest.empty());
  });
}

TEST_CASE("a handler that throws closes with 1011 and the server lives") {
  auto handler = [](http::websocket& socket) -> awaitable<void> {
    co_await socket.receive();
    throw std::runtime_error("broken on purpose");
  };
  fixture(handler).run([](client& c) -> awaitable<void> {
    co_await open(c);
    co_await c.send(frame(1, "x"));
    const auto close = co_await read_frame(c);
    CHECK(close.opcode == 8);
    CHECK_THAT(close.payload, StartsWith("\x03\xf3"));
    co_await c.send(frame(8, "\x03\xf3"));
    co_await c.rest();
  });
}

TEST_CASE("a peer that does not answer our Close is left after the time for it") {
  auto config = test::loopback();
  config.websocket.close_timeout = 1ms;
  auto handler = [](http::websocket& socket) -> awaitable<void> {
    socket.close();
    co_return;
  };
  fixture f(handler, config);
  f.run([&f](client& c) -> awaitable<void> {
    co_await open(c);
    const auto close = co_await read_frame(c);
    CHECK(close.opcode == 8);
    const auto rest = co_await c.rest();
    CHECK(rest.empty());
    while (f.server.connections() > 0) co_await asio::post(f.context, use_awaitable);
  });
}

TEST_CASE("hostile frames end their own connection only") {
  const std::string oversize = std::string("\x81\xff", 2) + std::string("\x7f\xff\xff\xff\xff\xff\xff\xff", 8) + "mask";
  const std::vector<std::string> attacks = {frame(1, "unmasked", true, false), frame(3, "reserved opcode"), frame(0, "no beginning"),
                                            frame(1, "\xff\xfe not UTF-8"),    frame(9, std::string(126, 'p')),
                                            frame(8, "\x03"),                  oversize,
                                            frame(2, std::string(300 * 1024, 'x'))};
  for (const auto& attack : attacks) {
    int ends = 0;
    auto handler = [&ends](http::websocket& socket) -> awaitable<void> {
      const auto message = co_await socket.receive();
      CHECK(!message);
      ++ends;
    };
    fixture(handler).run([&attack](client& c) -> awaitable<void> {
      co_await open(c);
      error_code ec;
      auto token = asio::redirect_error(use_awaitable, ec);
      co_await asio::async_write(c.socket(), asio::buffer(attack), token);
      co_await c.rest();
    });
    CHECK(ends == 1);
  }
}

TEST_CASE("senders wait for a slow reader in the order in which they came") {
  auto config = test::loopback();
  config.websocket.max_queue_bytes = 100'000;
  constexpr int count = 40;
  std::vector<int> finished;
  std::size_t most = 0;
  auto handler = [&](http::websocket& socket) -> awaitable<void> {
    auto body = [&](task_group& senders) -> awaitable<void> {
      for (int i = 0; i < count; ++i) {
        auto sender = [&socket, &finished, &most, i]() -> awaitable<void> {
          auto text = std::to_string(i) + ":" + std::string(60'000, 'x');
          const bool sent = co_await socket.send(std::move(text));
          if (sent) finished.push_back(i);
          most = std::max(most, socket.queued_bytes());
        };
        senders.spawn("sender", std::move(sender));
      }
      co_await socket.receive();
    };
    co_await with_tasks("senders", std::move(body));
  };
  fixture f(handler, config);
  f.run([&](client& c) -> awaitable<void> {
    co_await open(c);
    for (int i = 0; i < count; ++i) {
      const auto got = co_await read_frame(c);
      CHECK(got.payload.substr(0, got.payload.find(':')) == std::to_string(i));
    }
    co_await c.send(frame(1, "enough"));
    co_await c.rest();
  });
  REQUIRE(finished.size() == count);
  CHECK(std::is_sorted(finished.begin(), finished.end()));
  CHECK(most <= 100'000);
}

TEST_CASE("a peer that does not read is cut off when the events it missed fill the queue") {
  auto config = test::loopback();
  config.websocket.max_queue_bytes = 1 << 20;
  bool cut = false;
  auto handler = [&](http::websocket& socket) -> awaitable<void> {
    for (int i = 0; i < 10'000 && !cut; ++i) {
      cut = !socket.post(std::string(100'000, 'e'));
      CHECK(socket.queued_bytes() <= 1 << 20);
      co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
    }
    const auto nothing = co_await socket.receive();
    CHECK(!nothing);
  };
  fixture f(handler, config);
  f.run([&](client& c) -> awaitable<void> {
    co_await open(c);
    while (!cut) co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
    while (f.server.connections() > 0) co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
  });
  CHECK(cut);
}

TEST_CASE("cancelling the server ends open WebSockets, waiting senders included") {
  int ended = 0;
  struct on_exit {
    explicit on_exit(int& c) : count(c) {}
    ~on_exit() { ++count; }
    int& count;
  };
  auto handler = [&](http::websocket& socket) -> awaitable<void> {
    on_exit e(ended);
    for (;;) {
      auto text = std::string(1 << 20, 'x');
      const bool more = co_await socket.send(std::move(text));
      CHECK(more);
    }
  };
  fixture f(handler);
  f.run([&](client& c) -> awaitable<void> {
    co_await open(c);
    co_await read_frame(c);
  });
  CHECK(ended == 1);
}

TEST_CASE("a page of another origin is refused, our own and clients without Origin are let in") {
  const auto status = [](std::string_view header) {
    std::string out;
    fixture(echo).run([&](client& c) -> awaitable<void> {
      co_await c.send(test::upgrade("/ws", header));
      out = co_await c.head();
    });
    return out.substr(9, 3);
  };
  CHECK(status("") == "101");
  CHECK(status("Origin: http://localhost\r\n") == "101");
  CHECK(status("Origin: http://evil.example\r\n") == "403");
  CHECK(status("Origin: null\r\n") == "403");
  CHECK(status("Origin: http://localhost:81\r\n") == "403");
}

TEST_CASE("a plain GET on the WebSocket's path is told to upgrade, an upgrade elsewhere is 404") {
  fixture(echo).run([](client& c) -> awaitable<void> {
    co_await c.send("GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto head = co_await c.head();
    CHECK_THAT(head, StartsWith("HTTP/1.1 426 "));
  });
  fixture(echo).run([](client& c) -> awaitable<void> {
    co_await c.send(test::upgrade("/other"));
    const auto head = co_await c.head();
    CHECK_THAT(head, StartsWith("HTTP/1.1 404 "));
  });
}

TEST_CASE("there are only so many WebSockets, and beside them requests are answered") {
  auto config = test::loopback();
  config.max_host_websockets = 1;
  asio::io_context context{1};
  http::server server(context.get_executor(), config);
  server.websocket("/ws", echo);
  server.route("/healthz", [](http::request) -> awaitable<http::response> { co_return http::response(); });
  test::with_server(server, context, [&](tcp::endpoint to) -> awaitable<void> {
    client first(context.get_executor(), to), second(context.get_executor(), to), asking(context.get_executor(), to);
    co_await first.connect();
    co_await open(first);
    const auto refused = co_await second.ask(test::upgrade("/ws"));
    CHECK_THAT(refused, StartsWith("HTTP/1.1 503 "));
    const auto health = co_await asking.ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    CHECK_THAT(health, StartsWith("HTTP/1.1 200 "));
    co_await first.send(frame(1, "still here"));
    const auto back = co_await read_frame(first);
    CHECK(back.payload == "still here");
  });
}

TEST_CASE("a WebSocket for another server's name is misdirected, whatever its origin") {
  fixture(echo).run([](client& c) -> awaitable<void> {
    auto request = test::upgrade("/ws", "Origin: http://rebound.example\r\n");
    request.replace(request.find("Host: localhost"), 15, "Host: rebound.example");
    co_await c.send(std::move(request));
    const auto head = co_await c.head();
    CHECK_THAT(head, StartsWith("HTTP/1.1 421 "));
  });
}
