#include <linux/filter.h>
#include <sys/socket.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "agw/transports/tcp.hpp"
#include "interrupted_read.hpp"
#include "support/loop.hpp"
#include "turn.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::turn;

namespace {

const asio::ip::address loopback = asio::ip::address_v4::loopback();

struct pair {
  std::unique_ptr<tcp::stream> dialled;
  std::unique_ptr<tcp::stream> accepted;
};

awaitable<pair> make_pair() {
  auto executor = co_await asio::this_coro::executor;
  port_pool ports(0, 0);
  auto listener = *tcp::listener::open(executor, loopback, ports);
  pair p;
  p.dialled = co_await tcp::connect(listener->local(), loopback);
  p.accepted = co_await listener->accept(std::nullopt);
  co_return p;
}

std::vector<std::byte> patterned(std::size_t size) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>((i * 7 + i / 251) & 0xFF);
  return out;
}

awaitable<std::vector<std::byte>> read_to_end(byte_stream& s) {
  std::vector<std::byte> all;
  std::vector<std::byte> some(10000);
  for (;;) {
    const auto count = co_await s.read_some(some);
    if (count == 0) co_return all;
    all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

// Segments to it are lost.
void deafen(int socket, bool deaf) {
  sock_filter drop_all{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{1, &drop_all};
  const int unused = 0;
  const int done = deaf ? ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program))
                        : ::setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
  REQUIRE(done == 0);
}

template <class T>
awaitable<std::string> cause_of(awaitable<T> operation) {
  try {
    co_await std::move(operation);
  } catch (const stage_error& e) {
    co_return e.cause();
  }
  co_return std::string("none");
}

// Cancels `operation` after it had `turns` turns of the loop; true when it ended by that.
template <class F>
awaitable<bool> cancelled(F operation, int turns) {
  task_group tasks(co_await asio::this_coro::executor, "cancel");
  bool aborted = false;
  tasks.spawn("operation", [&]() -> awaitable<void> {
    try {
      co_await operation();
    } catch (const system_error& e) {
      aborted = e.code() == asio::error::operation_aborted;
      throw;
    }
  });
  for (int i = 0; i < turns; ++i) co_await turn();
  tasks.cancel();
  co_await tasks.join();
  co_return aborted;
}

}  // namespace

TEST_CASE("gathered writes arrive whole and in order, also when they are many and long") {
  const auto data = patterned(5'000'000);
  std::vector<bytes_view> pieces;
  for (std::size_t at = 0, size = 0; at < data.size(); at += size) {
    size = std::min<std::size_t>(data.size() - at, (at / 7) % 1500 + 1);
    pieces.push_back(bytes_view(data).subspan(at, size));
    pieces.emplace_back();  // empty ones are allowed
  }
  REQUIRE(pieces.size() > 4 * 1024);  // beyond IOV_MAX
  test::run([&]() -> awaitable<void> {
    auto p = co_await make_pair();
    task_group tasks(co_await asio::this_coro::executor, "transfer");
    std::vector<std::byte> got;
    tasks.spawn("write", [&]() -> awaitable<void> {
      co_await p.dialled->write(pieces);
      co_await p.dialled->close(deadline_after(10s));
    });
    tasks.spawn("read", [&]() -> awaitable<void> {
      got = co_await read_to_end(*p.accepted);
      co_await p.accepted->close(deadline_after(10s));
    });
    co_await tasks.join();
    REQUIRE((got == data));
    REQUIRE(p.dialled->counted().bytes_out == data.size());
    REQUIRE(p.accepted->counted().bytes_in == data.size());
  });
}

TEST_CASE("write waits while the peer does not read, and goes on when it does") {
  const auto data = patterned(20'000'000);
  test::run([&]() -> awaitable<void> {
    auto p = co_await make_pair();
    task_group tasks(co_await asio::this_coro::executor, "transfer");
    bool written = false;
    tasks.spawn("write", [&]() -> awaitable<void> {
      const bytes_view piece(data);
      co_await p.dialled->write(std::span(&piece, 1));
      written = true;
      co_await p.dialled->close(deadline_after(10s));
    });
    for (int i = 0; i < 100; ++i) co_await turn();
    REQUIRE_FALSE(written);
    const auto got = co_await read_to_end(*p.accepted);
    co_await tasks.join();
    REQUIRE((got == data));
  });
}

TEST_CASE("nobody listens: refused") {
  test::run([]() -> awaitable<void> {
    tcp_acceptor taken(co_await asio::this_coro::executor, tcp::endpoint(loopback, 0));
    const auto where = taken.local_endpoint();
    taken.close();
    const auto cause = co_await cause_of(tcp::connect(where, loopback));
    REQUIRE(cause == "tcp:refused");
  });
}

TEST_CASE("no way there: unreachable or an error, never a timeout") {
  test::run([]() -> awaitable<void> {
    const tcp::endpoint there(asio::ip::make_address("255.255.255.255"), 9);
    const auto cause = co_await cause_of(tcp::connect(there, asio::ip::address_v4::any()));
    REQUIRE((cause == "tcp:unreachable" || cause == "tcp:error"));
  });
}

TEST_CASE("a reset shows as a reset in reads and writes") {
  test::run([]() -> awaitable<void> {
    auto p = co_await make_pair();
    p.accepted->socket().set_option(asio::socket_base::linger(true, 0));
    p.accepted->socket().close();
    std::array<std::byte, 10> buffer{};
    const auto reading = co_await cause_of(p.dialled->read_some(buffer));
    REQUIRE(reading == "tcp:reset");
    const bytes_view piece(buffer);
    const auto writing = co_await cause_of(p.dialled->write(std::span(&piece, 1)));
    REQUIRE(writing == "tcp:reset");
    co_await p.dialled->close(deadline_after(1s));  // says nothing more
  });
}

TEST_CASE("a write that fails takes nothing from the reader: what had arrived, and then whether the end was an orderly one") {
  const bool orderly = GENERATE(true, false);
  test::run([&]() -> awaitable<void> {
    auto p = co_await make_pair();
    const auto last = patterned(5000);
    const bytes_view whole(last);
    co_await p.accepted->write(std::span<const bytes_view>(&whole, 1));
    if (!orderly) p.accepted->socket().set_option(asio::socket_base::linger(true, 0));
    p.accepted->socket().close();
    std::string cause = "none";
    while (cause == "none") {
      cause = co_await cause_of(p.dialled->write(std::span<const bytes_view>(&whole, 1)));
      co_await turn();
    }
    CHECK(cause == "tcp:reset");
    std::vector<std::byte> got(5000);
    std::size_t size = 0;
    while (size < got.size()) size += co_await p.dialled->read_some(std::span(got).subspan(size));
    CHECK(got == last);
    const auto end = co_await cause_of(p.dialled->read_some(got));
    CHECK(end == (orderly ? "none" : "tcp:reset"));
  });
}

TEST_CASE("a listener takes one connection, refuses those behind it, and then the port is closed") {
  test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    const auto extra = drops("tcp", "extra");
    port_pool ports(0, 0);
    auto listener = *tcp::listener::open(executor, loopback, ports);
    auto first = co_await tcp::connect(listener->local(), loopback);
    auto second = co_await tcp::connect(listener->local(), loopback);
    auto accepted = co_await listener->accept(std::nullopt);
    REQUIRE(accepted->remote() == first->local());
    REQUIRE(drops("tcp", "extra") == extra + 1);
    std::array<std::byte, 10> buffer{};
    const auto cause = co_await cause_of(second->read_some(buffer));
    REQUIRE(cause == "tcp:reset");
    const auto third = co_await cause_of(tcp::connect(listener->local(), loopback));
    REQUIRE(third == "tcp:refused");
  });
}

TEST_CASE("a listener that knows its peer's address resets strangers and waits on") {
  test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    const auto strangers = drops("tcp", "stranger");
    port_pool ports(0, 0);
    auto listener = *tcp::listener::open(executor, loopback, ports);
    const auto other = asio::ip::make_address("127.0.0.2");
    auto stranger = co_await tcp::connect(listener->local(), loopback);
    auto friendly = co_await tcp::connect(listener->local(), other);
    auto accepted = co_await listener->accept(other);
    REQUIRE(accepted->remote().address() == other);
    REQUIRE(drops("tcp", "stranger") == strangers + 1);
    std::array<std::byte, 10> buffer{};
    const auto cause = co_await cause_of(stranger->read_some(buffer));
    REQUIRE(cause == "tcp:reset");
  });
}

TEST_CASE("every wait can be cancelled; the listener listens on after it") {
  test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    port_pool ports(0, 0);
    auto listener = *tcp::listener::open(executor, loopback, ports);
    for (int turns = 1; turns < 4; ++turns) {
      auto accepting = [&]() -> awaitable<void> { co_await listener->accept(std::nullopt); };
      const bool accept_ended = co_await cancelled(accepting, turns);
      REQUIRE(accept_ended);
    }
    auto dialled = co_await tcp::connect(listener->local(), loopback);
    auto accepted = co_await listener->accept(std::nullopt);
    std::array<std::byte, 10> buffer{};
    auto reading = [&]() -> awaitable<void> { co_await dialled->read_some(buffer); };
    const bool read_ended = co_await cancelled(reading, 2);
    REQUIRE(read_ended);
    auto closing = [&]() -> awaitable<void> { co_await dialled->close(no_deadline); };
    const bool close_ended = co_await cancelled(closing, 3);
    REQUIRE(close_ended);
    const auto big = patterned(20'000'000);
    const bytes_view piece(big);
    auto writing = [&]() -> awaitable<void> { co_await accepted->write(std::span(&piece, 1)); };
    std::string cause;
    bool write_ended = false;
    try {
      write_ended = co_await cancelled(writing, 2);
    } catch (const stage_error& e) {
      cause = e.cause();  // the other end is closed already
    }
    REQUIRE((write_ended || cause == "tcp:reset"));
  });
}

TEST_CASE("close waits for the peer's end no longer than its deadline") {
  test::run([]() -> awaitable<void> {
    auto p = co_await make_pair();
    const auto begin = clock::now();
    co_await p.dialled->close(deadline_after(20ms));
    REQUIRE(clock::now() - begin >= 20ms);
    std::array<std::byte, 10> buffer{};
    const auto count = co_await p.accepted->read_some(buffer);
    REQUIRE(count == 0);  // the FIN came
  });
}

TEST_CASE("the port is leased while the listener or its connection lives") {
  test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    for (std::uint16_t port = 43000; port < 60000; ++port) {
      port_pool ports(port, port);
      auto opened = tcp::listener::open(executor, loopback, ports);
      if (opened.has_error()) continue;
      auto listener = std::move(*opened);
      REQUIRE(listener->local().port() == port);
      REQUIRE(tcp::listener::open(executor, loopback, ports).error() == transport_error::no_port);
      auto dialled = co_await tcp::connect(listener->local(), loopback);
      auto accepted = co_await listener->accept(std::nullopt);
      listener.reset();
      REQUIRE(ports.leased() == 1);
      dialled.reset();
      accepted.reset();
      REQUIRE(ports.leased() == 0);
      REQUIRE(tcp::listener::open(executor, loopback, ports).has_value());  // in spite of TIME_WAIT
      co_return;
    }
    FAIL("no port is free");
  });
}

TEST_CASE("what arrives while a read is cancelled stays for the next read, here or where the connection goes on") {
  test::run([&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto p = co_await make_pair();
    // The octet comes before the read or behind it; the cancel comes at every turn from before its arrival on.
    for (int turns = 0; turns < 12; ++turns) {
      CAPTURE(turns);
      const auto sent = static_cast<std::byte>(turns);
      std::array<std::byte, 1> got{};
      const bytes_view piece(&sent, 1);
      if (turns % 3 == 0) co_await p.dialled->write(std::span(&piece, 1));
      std::function<awaitable<void>()> meanwhile = [&]() -> awaitable<void> {
        if (turns % 3 != 0) co_await p.dialled->write(std::span(&piece, 1));
        for (int i = 0; i < turns / 3; ++i) co_await turn();
      };
      auto count = co_await test::interrupted_read(*p.accepted, got, meanwhile);
      if (turns % 2 == 1) p.accepted = std::make_unique<tcp::stream>(executor, p.accepted->park(), tcp::config{});
      if (count == 0) count = co_await until(deadline_after(20s), p.accepted->read_some(got));
      CHECK(count == 1);
      CHECK(got[0] == sent);
    }
  });
}

TEST_CASE("a connection may be dialled from a port of a pool, which it holds") {
  asio::io_context context(1);
  test::run(context, []() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    port_pool any(0, 0);
    // A range of two ports that are free now.
    std::optional<port_pool> range;
    for (std::uint16_t low = 43000; low < 60000 && !range; low = static_cast<std::uint16_t>(low + 2)) {
      range.emplace(low, static_cast<std::uint16_t>(low + 1));
      auto one = tcp::listener::open(executor, loopback, *range), other = tcp::listener::open(executor, loopback, *range);
      if (!one || !other) range.reset();
    }
    REQUIRE(range);
    auto listener = *tcp::listener::open(executor, loopback, any);
    auto first = co_await tcp::connect(listener->local(), loopback, *range);
    CHECK(first->local().port() >= range->low());
    CHECK(first->local().port() <= range->high());
    CHECK(range->leased() == 1);
    auto second = co_await tcp::connect(listener->local(), loopback, *range);
    CHECK(first->local().port() != second->local().port());
    auto third = tcp::connect(listener->local(), loopback, *range);
    const auto cause = co_await cause_of(std::move(third));
    CHECK(cause == "tcp:port");
    first.reset();
    second.reset();
    CHECK(range->leased() == 0);
  });
}

TEST_CASE("a silent connection survives a probe that is lost, and not a peer that is gone") {
  tcp::config quick;
  quick.keep_alive_idle = quick.keep_alive_interval = 1s;
  quick.user_timeout = 500ms;
  const bool is_gone = GENERATE(false, true);
  test::run([&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    tcp_acceptor acceptor(executor, {loopback, 0});
    auto dialled = co_await tcp::connect(acceptor.local_endpoint(), loopback, quick);
    auto peer = co_await acceptor.async_accept(use_awaitable);
    deafen(peer.native_handle(), true);
    if (is_gone) {
      std::vector<std::byte> some(10);
      const auto begin = clock::now();
      const auto cause = co_await cause_of(dialled->read_some(some));
      CHECK(cause == "tcp:timeout");
      CHECK(clock::now() - begin > 4s);
      co_return;
    }
    co_await sleep_until(clock::now() + 2500ms);
    deafen(peer.native_handle(), false);
    co_await sleep_until(clock::now() + 3s);
    std::vector<std::byte> one(1, std::byte{7});
    co_await asio::async_write(peer, asio::buffer(one), use_awaitable);
    const auto got = co_await dialled->read_some(one);
    CHECK(got == 1);
  });
}
