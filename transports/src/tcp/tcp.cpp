#include "agw/transports/tcp.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>

#include <boost/asio/redirect_error.hpp>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "dscp.hpp"
#include "tcp/error.hpp"

namespace agw::tcp {

namespace {

constexpr int backlog = 8;
constexpr int keep_alive_questions = 5;

error_code last_error() noexcept { return {errno, boost::system::system_category()}; }

// The connection works without these options: errors are ignored.
void set_options(tcp_socket& s, const config& settings) {
  const auto fd = s.native_handle();
  const auto set = [fd](int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof(value)); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(settings.keep_alive_idle.count()));
  set(IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(settings.keep_alive_interval.count()));
  set(IPPROTO_TCP, TCP_KEEPCNT, keep_alive_questions);
  const std::chrono::milliseconds probed = settings.keep_alive_idle + settings.keep_alive_interval * keep_alive_questions;
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(std::max(settings.user_timeout, probed).count()));
}

// TCP_INFO up to what is needed of it: the C library's tcp_info is the beginning only, and linux/tcp.h excludes the C library's header.
struct info_of_linux {
  tcp_info beginning{};
  std::uint64_t pacing_rate = 0;
  std::uint64_t max_pacing_rate = 0;
  std::uint64_t bytes_acknowledged = 0;
};
static_assert(offsetof(info_of_linux, bytes_acknowledged) == 120);

// Ends an unwanted connection by RST, so that its peer learns it at once.
void refuse(tcp_socket& s, const char* cause) {
  error_code ignored;
  s.set_option(asio::socket_base::linger(true, 0), ignored);
  s.close(ignored);
  count_drop("tcp", cause);
}

// Errors of accept(2) that belong to the connection and not to the listener.
bool concerns_one_connection(const error_code& e) {
  switch (e.value()) {
    case ECONNABORTED:
    case ECONNRESET:
    case EPROTO:
    case ENETDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP: return true;
    default: return false;
  }
}

}  // namespace

void fail(const error_code& e) {
  if (e == asio::error::operation_aborted) throw system_error(e);
  throw stage_error("tcp", reason(e), e);
}

std::string_view reason(const error_code& e) noexcept {
  const auto any_of = [&](auto... codes) { return ((e == codes) || ...); };
  using namespace asio::error;
  if (e == connection_refused) return "refused";
  if (e == timed_out) return "timeout";
  if (any_of(network_unreachable, host_unreachable, network_down)) return "unreachable";
  if (any_of(connection_reset, broken_pipe, connection_aborted, not_connected) || e == asio::error::eof) return "reset";
  return "error";
}

parked_socket::~parked_socket() {
  if (handle_ >= 0) ::close(handle_);
}

namespace {

asio::ip::tcp family_of(int handle) noexcept {
  sockaddr_storage own{};
  socklen_t size = sizeof(own);
  ::getsockname(handle, reinterpret_cast<sockaddr*>(&own), &size);
  return own.ss_family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
}

tcp_socket resumed(loop_executor executor, int handle) {
  tcp_socket out(std::move(executor));
  error_code error;
  out.assign(family_of(handle), handle, error);
  if (!error) return out;
  ::close(handle);
  throw system_error(error);
}

}  // namespace

stream::stream(loop_executor executor, parked_socket from, const config& settings)
    : stream(resumed(std::move(executor), from.take_handle()), settings, from.take_lease()) {
  unread_ = from.take_unread();
}

parked_socket stream::park() {
  error_code error;
  const int handle = socket_.release(error);
  return error ? parked_socket() : parked_socket(handle, std::move(lease_), std::exchange(unread_, {}));
}

stream::stream(tcp_socket socket, const config& settings, port_lease lease)
    : lease_(std::move(lease)), socket_(std::move(socket)) {
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
  set_options(socket_, settings);
  local_ = socket_.local_endpoint(ignored);
  remote_ = socket_.remote_endpoint(ignored);
  if (settings.dscp) set_dscp(*settings.dscp);
}

bool stream::set_dscp(unsigned dscp) noexcept { return agw::set_dscp(socket_.native_handle(), local_.address().is_v6(), dscp); }

std::uint64_t stream::acknowledged_bytes() noexcept {
  info_of_linux info;
  socklen_t size = sizeof(info);
  const bool known = ::getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && size == sizeof(info);
  return known ? info.bytes_acknowledged : 0;
}

liveness stream::look() noexcept {
  if (reading_) return liveness::alive;
  pollfd one{};
  one.fd = socket_.native_handle();
  one.events = POLLRDHUP;
  if (one.fd < 0 || ::poll(&one, 1, 0) <= 0) return liveness::alive;
  if ((one.revents & (POLLERR | POLLHUP)) != 0) return liveness::broken;
  return (one.revents & POLLRDHUP) != 0 ? liveness::ended : liveness::alive;
}

awaitable<std::size_t> stream::read_some(std::span<std::byte> into) {
  if (!unread_.empty()) co_return unread_.take(into);
  const auto buffer = asio::buffer(into.data(), into.size());
  error_code error;
  std::size_t count = 0;
  {
    reading_ = true;
    const scope_guard read([this] { reading_ = false; });
    count = co_await socket_.async_read_some(buffer, asio::redirect_error(use_awaitable, error));
  }
  // A reset that a write has met does not show in a read any more.
  if (error == asio::error::eof && reset_) fail(reset_);
  if (error == asio::error::eof) co_return 0;
  if (error) fail(error);
  traffic_.bytes_in += count;
  if (is_cancelled(co_await asio::this_coro::cancellation_state)) {
    unread_.put_back(into.first(count));
    throw system_error(asio::error::operation_aborted);
  }
  co_return count;
}

awaitable<void> stream::write(std::span<const bytes_view> pieces) {
  pieces_.clear();
  for (const auto& p : pieces) {
    if (p.empty()) continue;
    iovec v;
    v.iov_base = const_cast<std::byte*>(p.data());
    v.iov_len = p.size();
    pieces_.push_back(v);
  }
  // The system call comes first, the wait only when it takes nothing: most writes fit, and need no turn of the loop.
  for (std::size_t at = 0; at < pieces_.size();) {
    msghdr message{};
    message.msg_iov = &pieces_[at];
    message.msg_iovlen = std::min<std::size_t>(pieces_.size() - at, IOV_MAX);
    const auto sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        const auto failure = last_error();
        if (failure != asio::error::broken_pipe) reset_ = failure;  // EPIPE: the peer had ended its direction orderly before
        fail(failure);
      }
      error_code error;
      co_await socket_.async_wait(tcp_socket::wait_write, asio::redirect_error(use_awaitable, error));
      if (error) fail(error);
      continue;
    }
    traffic_.bytes_out += static_cast<std::uint64_t>(sent);
    auto left = static_cast<std::size_t>(sent);
    while (left > 0 && left >= pieces_[at].iov_len) left -= pieces_[at++].iov_len;
    if (left > 0) {
      pieces_[at].iov_base = static_cast<std::byte*>(pieces_[at].iov_base) + left;
      pieces_[at].iov_len -= left;
    }
  }
}

awaitable<void> stream::close(deadline by) {
  error_code ignored;
  socket_.shutdown(tcp_socket::shutdown_send, ignored);
  auto drain = [](tcp_socket& s) -> awaitable<void> {
    std::array<std::byte, 16384> discarded;
    error_code error;
    while (!error) {
      co_await s.async_read_some(asio::buffer(discarded), asio::redirect_error(use_awaitable, error));
    }
    if (error == asio::error::operation_aborted) throw system_error(error);
  };
  const scope_guard at_the_end([this] {
    error_code unimportant;
    socket_.close(unimportant);
  });
  (void)co_await within(by, drain(socket_));
}

listener::listener(tcp_acceptor acceptor, const config& settings, port_lease lease)
    : lease_(std::move(lease)), acceptor_(std::move(acceptor)), settings_(settings) {
  error_code ignored;
  local_ = acceptor_.local_endpoint(ignored);
}

namespace {

error_code listen(tcp_acceptor& a, const endpoint& local) {
  error_code error;
  a.close(error);
  a.open(local.protocol(), error);
  // Connections of an earlier call in TIME_WAIT must not keep its port from us; one that listens still does.
  if (!error) a.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) a.bind(local, error);
  if (!error) a.listen(backlog, error);
  if (!error) a.non_blocking(true, error);  // Asio's own flag: without it accept() would wait in poll(2)
  return error;
}

}  // namespace

result<std::unique_ptr<listener>> listener::open(loop_executor executor, const asio::ip::address& address,
                                                 port_pool& ports, const config& settings) {
  tcp_acceptor a(executor);
  auto bind = [&](std::uint16_t port) { return listen(a, endpoint(address, port)); };
  auto lease = ports.bind(port_protocol::tcp, bind);
  if (!lease) return lease.error();
  return std::unique_ptr<listener>(new listener(std::move(a), settings, std::move(*lease)));
}

result<std::unique_ptr<listener>> listener::reopen(loop_executor executor, const endpoint& local, port_lease lease,
                                                   const config& settings) {
  tcp_acceptor a(executor);
  if (const auto error = listen(a, local)) return error;
  return std::unique_ptr<listener>(new listener(std::move(a), settings, std::move(lease)));
}

result<std::unique_ptr<listener>> listener::resume(loop_executor executor, parked_socket from, const config& settings) {
  tcp_acceptor a(executor);
  const int handle = from.take_handle();
  error_code error;
  a.assign(family_of(handle), handle, error);
  if (error) {
    ::close(handle);
    return error;
  }
  a.non_blocking(true, error);
  if (error) return error;
  return std::unique_ptr<listener>(new listener(std::move(a), settings, from.take_lease()));
}

parked_socket listener::park() {
  if (!acceptor_.is_open()) return {};
  error_code error;
  const int handle = acceptor_.release(error);
  return error ? parked_socket() : parked_socket(handle, std::move(lease_));
}

bool listener::set_dscp(unsigned dscp) noexcept {
  settings_.dscp = dscp;
  return agw::set_dscp(acceptor_.native_handle(), local_.address().is_v6(), dscp);
}

awaitable<std::unique_ptr<stream>> listener::accept(std::optional<asio::ip::address> from) {
  std::function<bool(const endpoint&)> admits;
  if (from) admits = [address = *from](const endpoint& source) { return source.address() == address; };
  return accept_if(std::move(admits));
}

awaitable<std::unique_ptr<stream>> listener::accept_if(std::function<bool(const endpoint&)> admits) {
  auto executor = co_await asio::this_coro::executor;
  for (;;) {
    tcp_socket accepted(executor);
    endpoint remote;
    error_code error;
    co_await acceptor_.async_accept(accepted, remote, asio::redirect_error(use_awaitable, error));
    if (error && concerns_one_connection(error)) continue;
    if (error) fail(error);
    if (admits && !admits(remote)) {
      refuse(accepted, "stranger");
      continue;
    }
    for (;;) {  // further connections in the queue
      tcp_socket extra(executor);
      acceptor_.accept(extra, error);
      if (error && concerns_one_connection(error)) continue;
      if (error) break;
      refuse(extra, "extra");
    }
    acceptor_.close(error);
    co_return std::make_unique<stream>(std::move(accepted), settings_, std::move(lease_));
  }
}

awaitable<std::unique_ptr<stream>> connect(endpoint remote, asio::ip::address local_address, config settings,
                                           std::uint16_t local_port) {
  auto executor = co_await asio::this_coro::executor;
  tcp_socket s(executor);
  error_code error;
  s.open(remote.protocol(), error);
  if (!error && local_port != 0) s.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && (!local_address.is_unspecified() || local_port != 0)) {
    const int on = 1;
    if (local_port == 0) ::setsockopt(s.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    s.bind(endpoint(local_address, local_port), error);
  }
  if (!error && settings.dscp) agw::set_dscp(s.native_handle(), remote.address().is_v6(), *settings.dscp);
  if (error) fail(error);
  co_await s.async_connect(remote, asio::redirect_error(use_awaitable, error));
  if (error) fail(error);
  co_return std::make_unique<stream>(std::move(s), settings);
}

namespace {

// With a pool, connections that were closed a moment ago may still hold a port towards the same peer, for a minute (TIME_WAIT).
constexpr int max_dials = 16;

}  // namespace

awaitable<std::unique_ptr<stream>> connect(endpoint remote, asio::ip::address local_address, port_pool& ports, config settings) {
  auto executor = co_await asio::this_coro::executor;
  for (int dial = 1;; ++dial) {
    tcp_socket s(executor);
    auto bind = [&](std::uint16_t port) {
      error_code error;
      s.close(error);
      s.open(remote.protocol(), error);
      if (!error) s.set_option(asio::socket_base::reuse_address(true), error);
      if (!error) s.bind(endpoint(local_address, port), error);
      return error;
    };
    auto lease = ports.bind(port_protocol::tcp, bind);
    if (!lease) {
      if (lease.error() == transport_error::no_port) throw stage_error("tcp", "port", lease.error());
      fail(lease.error());
    }
    if (settings.dscp) agw::set_dscp(s.native_handle(), remote.address().is_v6(), *settings.dscp);
    error_code error;
    co_await s.async_connect(remote, asio::redirect_error(use_awaitable, error));
    if (error && error.value() == EADDRNOTAVAIL && dial < max_dials) continue;
    if (error) fail(error);
    co_return std::make_unique<stream>(std::move(s), settings, std::move(*lease));
  }
}

// Binding is the only test that works for every kind of address.
bool is_local(const asio::ip::address& address) {
  const endpoint at(address, 0);
  const parked_socket probe(::socket(at.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0), {});
  if (!probe) return true;
  return ::bind(probe.handle(), at.data(), static_cast<socklen_t>(at.size())) == 0 || errno != EADDRNOTAVAIL;
}

}  // namespace agw::tcp
