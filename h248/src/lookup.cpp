#include "lookup.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include <netdb.h>
#include <sys/socket.h>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>

#include <agw/core/event.hpp>

namespace agw::h248 {
namespace {

// Of the process, at the same time: a resolver that hangs must not pile up threads.
constexpr int most_lookups = 16;
std::atomic<int> lookups = 0;

struct lookup_state {
  explicit lookup_state(asio::any_io_executor e) : executor(std::move(e)) {}
  std::mutex lock;
  bool wanted = true;  // guarded by the lock: while it holds, the executor's loop is there
  asio::any_io_executor executor;
  event done;          // and this, on the executor only
  std::vector<asio::ip::address> found;
};

std::vector<asio::ip::address> ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* all = nullptr;
  std::vector<asio::ip::address> out;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &all) != 0) return out;
  for (const auto* one = all; one != nullptr; one = one->ai_next) {
    asio::ip::udp::endpoint at;
    if (one->ai_addrlen > at.capacity()) continue;
    std::copy_n(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen, reinterpret_cast<char*>(at.data()));
    at.resize(one->ai_addrlen);
    if (std::find(out.begin(), out.end(), at.address()) == out.end()) out.push_back(at.address());
  }
  ::freeaddrinfo(all);
  return out;
}

}  // namespace

awaitable<std::vector<asio::ip::address>> look_up(std::string host) {
  if (lookups.fetch_add(1) >= most_lookups) {
    --lookups;
    co_return std::vector<asio::ip::address>();
  }
  const auto shared = std::make_shared<lookup_state>(co_await asio::this_coro::executor);
  struct leaving {
    explicit leaving(lookup_state& s) : of(s) {}
    leaving(const leaving&) = delete;
    ~leaving() {
      const std::lock_guard held(of.lock);
      of.wanted = false;
    }
    lookup_state& of;
  };
  const leaving no_longer(*shared);
  std::thread([shared, host] {
    auto found = ask_system(host);
    --lookups;
    const std::lock_guard held(shared->lock);
    if (!shared->wanted) return;
    asio::post(shared->executor, [shared, all = std::move(found)]() mutable {
      shared->found = std::move(all);
      shared->done.set();
    });
  }).detach();
  co_await shared->done.wait();
  co_return std::move(shared->found);
}

}  // namespace agw::h248
