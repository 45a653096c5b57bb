#include "service_manager.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agw/core/task_group.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace agw::server;
using namespace std::chrono_literals;

namespace {

// systemd's end.
class manager_end {
 public:
  manager_end() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    REQUIRE(mkdtemp(folder_));
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path().copy(at.sun_path, sizeof at.sun_path - 1);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  }
  ~manager_end() {
    ::close(socket_);
    std::filesystem::remove_all(folder_);
  }
  manager_end(const manager_end&) = delete;
  manager_end& operator=(const manager_end&) = delete;
  std::string path() const { return std::string(folder_) + "/notify"; }
  /// The next word; empty: none has come.
  std::string next() const {
    char text[512];
    const auto got = ::recv(socket_, text, sizeof text, 0);
    return got < 0 ? std::string() : std::string(text, static_cast<std::size_t>(got));
  }

 private:
  char folder_[32] = "/tmp/agw-notify-XXXXXX";
  int socket_;
};

}  // namespace

TEST_CASE("a service manager hears of the life of the service") {
  const manager_end end;
  const service_manager manager(end.path());
  manager.ready();
  CHECK(end.next() == "READY=1");
  manager.reloading();
  const auto reloading = end.next();
  REQUIRE(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="));
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto told = std::stoll(reloading.substr(reloading.rfind('=') + 1)), here = now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
  CHECK(told <= here);
  CHECK(told > here - 60'000'000);
  manager.status("draining, contexts: 3");
  CHECK(end.next() == "STATUS=draining, contexts: 3");
  manager.extend(30s);
  CHECK(end.next() == "EXTEND_TIMEOUT_USEC=30000000");
  manager.stopping();
  CHECK(end.next() == "STOPPING=1");
  CHECK(end.next().empty());
}

TEST_CASE("without a service manager, or with one that is gone, nothing happens") {
  for (const auto& socket : {std::string(), std::string("relative"), std::string("/nowhere/notify"), std::string(300, '/')}) {
    const service_manager manager(socket, 3s);
    manager.ready();
    CHECK(manager.watchdog() == 0s);
  }
}

TEST_CASE("the watchdog is served as long as every shard turns") {
  const manager_end end;
  const service_manager manager(end.path(), 3s);
  asio::io_context loop{1};
  test::manual_clock time(loop);
  shard_pool shards(2, shard_pool::driven);
  task_group group(loop.get_executor(), "test");
  group.spawn("watchdog", [&] { return keep_alive(manager, shards); });
  time.settle();
  const auto turn = [&](std::size_t i) {
    shards[i].context().restart();
    shards[i].context().poll();
  };
  turn(0);
  turn(1);
  time.advance(1s);
  CHECK(end.next() == "WATCHDOG=1");
  turn(0);  // and the other one hangs
  time.advance(1s);
  CHECK(end.next().empty());
  turn(0);
  turn(1);
  time.advance(1s);
  CHECK(end.next() == "WATCHDOG=1");
  group.cancel();
  time.settle();
  CHECK(group.empty());
}
