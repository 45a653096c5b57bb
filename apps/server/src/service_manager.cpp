#include "service_manager.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

#include <boost/asio/post.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agw/core/log.hpp"
#include "agw/core/until.hpp"

namespace agw::server {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? std::string_view(value) : std::string_view();
}

long long number(std::string_view text) {
  long long out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// It is for us, and not for a parent whose environment we have.
clock::duration watchdog_of_environment() {
  const auto whose = environment("WATCHDOG_PID");
  if (!whose.empty() && number(whose) != ::getpid()) return {};
  return microseconds(std::max(0LL, number(environment("WATCHDOG_USEC"))));
}

}  // namespace

service_manager::service_manager() : service_manager(std::string(environment("NOTIFY_SOCKET")), watchdog_of_environment()) {}

service_manager::service_manager(const std::string& socket, clock::duration watchdog) {
  sockaddr_un to{};
  if (socket.size() < 2 || socket.size() >= sizeof to.sun_path || (socket.front() != '/' && socket.front() != '@')) return;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, socket.data(), socket.size());
  if (socket.front() == '@') to.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&to), length) == 0) {
    socket_ = fd;
    watchdog_ = watchdog;
    return;
  }
  log::warn("NOTIFY_SOCKET {}: {}", log::printable(socket), std::strerror(errno));
  if (fd >= 0) ::close(fd);
}

service_manager::~service_manager() {
  if (socket_ >= 0) ::close(socket_);
}

void service_manager::send(std::string_view text) const {
  if (socket_ >= 0) (void)::send(socket_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void service_manager::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.tv_sec * 1'000'000LL + now.tv_nsec / 1'000));
}

void service_manager::extend(clock::duration by) const {
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(duration_cast<microseconds>(by).count()));
}

awaitable<void> keep_alive(const service_manager& manager, shard_pool& shards) {
  if (manager.watchdog() <= clock::duration{}) co_return;
  const auto period = manager.watchdog() / 3;
  for (;;) {
    const auto turned = std::make_shared<std::atomic<std::size_t>>(0);
    for (std::size_t i = 0; i < shards.size(); ++i) asio::post(shards[i].executor(), [turned] { ++*turned; });
    co_await sleep_until(deadline_after(period));
    if (*turned == shards.size()) manager.alive();
    else log::error("{} of {} threads do not turn: the watchdog is not served", shards.size() - *turned, shards.size());
  }
}

}  // namespace agw::server
