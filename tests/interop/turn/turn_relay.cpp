// Full ICE behind a NAT: coturn, a process on loopback with ports that are free, gives the relayed candidate, and a peer that is reached in no
// other way is reached over it.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include <catch2/catch.hpp>

#include "agw/core/until.hpp"
#include "agw/transports/ice_stage.hpp"
#include "support/ice_told.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::told;

namespace {

const asio::ip::address loopback = asio::ip::address_v4::loopback();

// A range of UDP ports of which all are free now.
std::uint16_t free_range(std::uint16_t size) {
  for (std::uint16_t low = 45000; low < 60000; low = static_cast<std::uint16_t>(low + size)) {
    asio::io_context context(1);
    port_pool pool(low, static_cast<std::uint16_t>(low + size - 1));
    std::vector<udp::socket> held;
    for (std::uint16_t i = 0; i < size; ++i) {
      auto one = udp::socket::open(context.get_executor(), loopback, pool);
      if (one) held.push_back(std::move(*one));
    }
    if (held.size() == size) return low;
  }
  FAIL("no free ports");
  return 0;
}

class coturn {
 public:
  static constexpr std::uint16_t relay_ports = 16;

  coturn() : low_(free_range(relay_ports + 1)) {
    REQUIRE(mkdtemp(folder_));
    const std::string folder = folder_;
    const auto number = [](int n) { return std::to_string(n); };
    std::vector<std::string> words{"turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1",
                                   "--listening-port", number(low_), "--min-port", number(first_relay()), "--max-port",
                                   number(first_relay() + relay_ports - 1), "--lt-cred-mech", "--user", "agw:secret", "--realm", "agw.example",
                                   "--allow-loopback-peers", "--db", folder + "/db", "--pidfile", folder + "/pid", "--log-file", folder + "/log",
                                   "--simple-log"};
    std::vector<char*> argv;
    for (auto& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t silent;
    posix_spawn_file_actions_init(&silent);
    posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&silent, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    REQUIRE(posix_spawnp(&pid_, "turnserver", &silent, nullptr, argv.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&silent);
  }
  ~coturn() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  coturn(const coturn&) = delete;
  coturn& operator=(const coturn&) = delete;

  udp::endpoint address() const { return {loopback, low_}; }
  std::uint16_t first_relay() const { return static_cast<std::uint16_t>(low_ + 1); }
  bool relays(const udp::endpoint& e) const { return e.port() >= first_relay() && e.port() < first_relay() + relay_ports; }

  // Until it answers a Binding request.
  awaitable<void> ready() const {
    port_pool any(0, 0);
    auto executor = co_await asio::this_coro::executor;
    auto socket = *udp::socket::open(executor, loopback, any);
    std::array<std::byte, 20> request{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0x21}, std::byte{0x12}, std::byte{0xA4}, std::byte{0x42}};
    for (bool answered = false; !answered;) {
      socket.send(bytes_view(request), address());
      answered = co_await within(deadline_after(100ms), socket.wait_readable());
      if (answered) answered = !socket.receive().empty();
    }
  }

 private:
  char folder_[32] = "/tmp/agw-turn-XXXXXX";
  std::uint16_t low_;
  pid_t pid_ = 0;
};

ice::config full(const coturn& server, std::string password = "secret") {
  ice::config c;
  c.mode = ice::agent_mode::full;
  c.local_address = loopback;
  c.turn = ice::turn_server{server.address(), "agw", std::move(password)};
  return c;
}

std::vector<std::byte> dtls_like(std::size_t size) {
  std::vector<std::byte> out(size, std::byte{7});
  out[0] = std::byte{22};
  out[1] = std::byte{0xFE};
  out[2] = std::byte{0xFD};
  return out;
}

awaitable<void> pass(datagram_pipe& from, datagram_pipe& to) {
  datagram_batch sent, got;
  for (int i = 0; i < 5; ++i) {
    const auto one = dtls_like(1000);
    sent.push(bytes_view(one));
  }
  from.send(sent);
  while (got.size() < sent.size()) co_await to.receive(got);
  CHECK(got[0].size() == 1000);
}

}  // namespace

TEST_CASE("a TURN server gives a relayed candidate, and a call that nothing else can carry goes over it") {
  const coturn server;
  asio::io_context context(1);
  port_pool ports(0, 0);
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    co_await until(deadline_after(30s), server.ready());
    auto ours = *ice::reserve(executor, full(server), ports);
    co_await ours->gathered(deadline_after(20s));
    const auto& local = ours->local();
    REQUIRE(local.candidates.size() == 2);
    CHECK(local.candidates[1].find(" typ relay raddr 0.0.0.0 rport 0") != std::string::npos);
    CHECK(server.relays(local.address));

    ice::config lite;
    lite.local_address = loopback;
    auto theirs = *ice::reserve(executor, lite, ports);
    theirs->admits = [&](const udp::endpoint& source) { return server.relays(source); };
    auto body = [&](task_group& tasks) -> awaitable<void> {
      std::unique_ptr<datagram_pipe> path, far;
      task_group both(executor, "both");
      both.spawn("ours", [&]() -> awaitable<void> { path = co_await ice::connect(tasks, *ours, told(*theirs)); });
      // Its path is open at the first check, and answers the others while it is read.
      both.spawn("theirs", [&]() -> awaitable<void> {
        far = co_await ice::connect(tasks, *theirs, told(*ours));
        datagram_batch none;
        while (!path) co_await within(deadline_after(10ms), far->receive(none));
      });
      co_await until(deadline_after(30s), both.join());
      CHECK(theirs->remote_address() == local.address);
      co_await until(deadline_after(20s), pass(*path, *far));
      co_await until(deadline_after(20s), pass(*far, *path));
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("a TURN server that refuses the credentials costs the relayed candidate only") {
  const coturn server;
  asio::io_context context(1);
  port_pool ports(0, 0);
  test::run(context, [&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    co_await until(deadline_after(30s), server.ready());
    auto ours = *ice::reserve(executor, full(server, "wrong"), ports);
    co_await ours->gathered(deadline_after(20s));
    CHECK(ours->local().candidates.size() == 1);
    CHECK_FALSE(server.relays(ours->local().address));
  });
}
