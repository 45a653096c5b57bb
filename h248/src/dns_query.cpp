#include "dns_query.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <agw/core/event.hpp>
#include <agw/core/scope_guard.hpp>
#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>

namespace agw::h248::dns {
namespace {

using descriptor = asio::posix::stream_descriptor;

constexpr std::size_t most_records = 16;  // of one answer

std::optional<asio::ip::address> address_of(const sockaddr* at) {
  if (at->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, at, sizeof v4);
    return asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (at->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6;
  std::memcpy(&v6, at, sizeof v6);
  asio::ip::address_v6::bytes_type bytes;
  std::copy_n(v6.sin6_addr.s6_addr, bytes.size(), bytes.begin());
  return asio::ip::address_v6(bytes, v6.sin6_scope_id);
}

struct host_state {
  host_answer out;
  bool done = false;
};

void on_host(void* into, int status, int, ares_addrinfo* found) {
  auto& s = *static_cast<host_state*>(into);
  s.done = true;
  if (status != ARES_SUCCESS || found == nullptr) return;
  auto least = std::chrono::seconds::max();
  for (const auto* node = found->nodes; node != nullptr && s.out.addresses.size() < most_records; node = node->ai_next) {
    const auto address = address_of(node->ai_addr);
    if (!address || std::ranges::find(s.out.addresses, *address) != s.out.addresses.end()) continue;
    s.out.addresses.push_back(*address);
    least = std::min(least, std::chrono::seconds(std::max(node->ai_ttl, 0)));
  }
  if (!s.out.addresses.empty()) s.out.ttl = least;
  ares_freeaddrinfo(found);
}

struct service_state_of_query {
  service_answer out;
  bool done = false;
};

// By hand for the TTL, which c-ares keeps to itself.
void read_services(service_answer& out, const unsigned char* octets, int size) {
  ns_msg message;
  if (::ns_initparse(octets, size, &message) != 0) return;
  auto least = std::chrono::seconds::max();
  for (int i = 0; i < ns_msg_count(message, ns_s_an) && out.services.size() < most_records; ++i) {
    ns_rr record;
    if (::ns_parserr(&message, ns_s_an, i, &record) != 0) return;
    least = std::min(least, std::chrono::seconds(ns_rr_ttl(record)));
    constexpr int fixed_part = 6;
    if (ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) <= fixed_part) continue;
    const auto* data = ns_rr_rdata(record);
    std::array<char, NS_MAXDNAME> host{};
    if (::ns_name_uncompress(octets, octets + size, data + fixed_part, host.data(), host.size()) < 0) continue;
    const auto number = [data](int at) { return static_cast<std::uint16_t>(data[at] << 8 | data[at + 1]); };
    out.services.push_back({number(0), number(2), number(4), host.data()});
  }
  if (!out.services.empty()) out.ttl = least;
}

void on_services(void* into, int status, int, unsigned char* octets, int size) {
  auto& s = *static_cast<service_state_of_query*>(into);
  s.done = true;
  if (status == ARES_SUCCESS) read_services(s.out, octets, size);
}

void begin_library() {
  static std::once_flag begun;
  std::call_once(begun, [] { ares_library_init(ARES_LIB_INIT_ALL); });
}

// A socket of c-ares while it is waited for: closed by c-ares, never here.
struct watched {
  watched(const loop_executor& executor, int fd) : on(executor, fd) {}
  watched(const watched&) = delete;
  ~watched() { on.release(); }
  descriptor on;
  bool readable = false;
  bool writable = false;
};

}  // namespace

query::query(const resolver_config& config) {
  begin_library();
  ares_options options{};
  options.timeout = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(config.server_timeout).count());
  options.tries = config.tries;
  if (ares_init_options(&channel_, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
    channel_ = nullptr;
  } else if (!config.servers.empty() && ares_set_servers_ports_csv(channel_, config.servers.c_str()) != ARES_SUCCESS) {
    ares_destroy(channel_);
    channel_ = nullptr;
  }
}

query::~query() {
  if (channel_ != nullptr) ares_destroy(channel_);
}

awaitable<host_answer> query::addresses(std::string host) {
  if (channel_ == nullptr) co_return host_answer();
  host_state state;
  // Cancelled, the question would refer to what is gone.
  const scope_guard forget([&] {
    if (!state.done) ares_cancel(channel_);
  });
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, on_host, &state);
  co_await drive(state.done);
  co_return std::move(state.out);
}

awaitable<service_answer> query::services(std::string name) {
  if (channel_ == nullptr) co_return service_answer();
  service_state_of_query state;
  const scope_guard forget([&] {
    if (!state.done) ares_cancel(channel_);
  });
  ares_query(channel_, name.c_str(), ns_c_in, ns_t_srv, on_services, &state);
  co_await drive(state.done);
  co_return std::move(state.out);
}

// Waits for the sockets that c-ares has open, and for its timers, until the question is answered.
awaitable<void> query::drive(const bool& done) {
  const auto executor = co_await asio::this_coro::executor;
  while (!done) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const auto bits = ares_getsock(channel_, sockets.data(), static_cast<int>(sockets.size()));
    timeval longest{1, 0};
    timeval left{};
    const auto* wait = ares_timeout(channel_, &longest, &left);
    const auto by = deadline_after(std::chrono::seconds(wait->tv_sec) + std::chrono::microseconds(wait->tv_usec));
    std::vector<std::unique_ptr<watched>> open;
    event ready;
    auto body = [&](task_group& group) -> awaitable<void> {
      for (unsigned i = 0; i < sockets.size(); ++i) {
        const bool reads = ARES_GETSOCK_READABLE(static_cast<unsigned>(bits), i) != 0;
        const bool writes = ARES_GETSOCK_WRITABLE(static_cast<unsigned>(bits), i) != 0;
        if (!reads && !writes) continue;
        auto* one = open.emplace_back(std::make_unique<watched>(executor, sockets[i])).get();
        auto reader = [one, &ready]() -> awaitable<void> {
          co_await one->on.async_wait(descriptor::wait_read, use_awaitable);
          one->readable = true;
          ready.set();
        };
        auto writer = [one, &ready]() -> awaitable<void> {
          co_await one->on.async_wait(descriptor::wait_write, use_awaitable);
          one->writable = true;
          ready.set();
        };
        if (reads) group.spawn("read", std::move(reader));
        if (writes) group.spawn("write", std::move(writer));
      }
      co_await within(by, ready.wait());
    };
    co_await with_tasks("dns", std::move(body));
    struct due {
      ares_socket_t read, write;
    };
    std::vector<due> all;
    for (const auto& one : open) {
      if (!one->readable && !one->writable) continue;
      const auto fd = one->on.native_handle();
      all.push_back({one->readable ? fd : ARES_SOCKET_BAD, one->writable ? fd : ARES_SOCKET_BAD});
    }
    open.clear();  // c-ares may close them now
    for (const auto& d : all) ares_process_fd(channel_, d.read, d.write);
    if (all.empty()) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  }
}

}  // namespace agw::h248::dns
