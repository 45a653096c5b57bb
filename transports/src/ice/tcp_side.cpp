#include "ice/tcp_side.hpp"

#include <algorithm>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/until.hpp"
#include "dscp.hpp"
#include "ice/framing.hpp"

namespace agw::ice {

namespace {

constexpr int backlog = 8;
constexpr std::size_t read_bytes = 16 * 1024;

}  // namespace

// RFC 6544, 4.2 and 4.5: a preference below UDP's, and the direction "passive" before the other-preference.
std::string passive_candidate(std::string_view foundation, const asio::ip::address& address, std::uint16_t port) {
  constexpr std::uint32_t type_preference = 90, direction = 4, other = 8191, component = 1;
  constexpr auto priority = (type_preference << 24) + (((direction << 13) + other) << 8) + (256 - component);
  return std::string(foundation) + " 1 TCP " + std::to_string(priority) + ' ' + address.to_string() + ' ' + std::to_string(port) +
         " typ host tcptype passive";
}

struct tcp_side::connection {
  connection(tcp_socket s, const route& r, connection_quota::share e)
      : socket(std::move(s)), from(r), extra(std::move(e)), since(clock::now()) {}
  tcp_socket socket;
  route from;
  connection_quota::share extra;  // empty: one of the endpoint's own
  clock::time_point since;
  clock::time_point last_frame = since;
  bool verified = false;
  bool unwanted = false;
  frame_reader frames;
  std::vector<std::byte> outgoing;
  event something_to_send;
  event may_read;
};

tcp_side::tcp_side(tcp_acceptor acceptor, port_lease lease, const tcp_limits& limits)
    : lease_(std::move(lease)), acceptor_(std::move(acceptor)), port_(acceptor_.local_endpoint().port()), limits_(limits) {}
tcp_side::~tcp_side() = default;

result<std::unique_ptr<tcp_side>> tcp_side::listen(loop_executor executor, const asio::ip::address& address, port_pool& ports,
                                                   const tcp_limits& limits) {
  tcp_acceptor acceptor(executor);
  error_code error;
  const auto bind = [&](std::uint16_t port) {
    const asio::ip::tcp::endpoint local(address, port);
    acceptor.close(error);
    acceptor.open(local.protocol(), error);
    if (!error && address.is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(local, error);
    if (!error) acceptor.listen(backlog, error);
    return error;
  };
  auto lease = ports.bind(port_protocol::tcp, bind);
  if (!lease) return lease.error();
  return std::unique_ptr<tcp_side>(new tcp_side(std::move(acceptor), std::move(*lease), limits));
}

awaitable<void> tcp_side::serve(tcp_owner& owner) {
  auto body = [this, &owner](task_group& tasks) { return accept(tasks, owner); };
  co_await with_tasks("ice tcp", body);
}

awaitable<void> tcp_side::accept(task_group& tasks, tcp_owner& owner) {
  for (;;) {
    tcp_socket accepted(acceptor_.get_executor());
    error_code error;
    auto token = asio::redirect_error(use_awaitable, error);
    co_await acceptor_.async_accept(accepted, token);
    if (error == asio::error::operation_aborted) throw system_error(error);
    if (error) {  // of one connection, or no descriptor is left: the next attempt waits a little
      count_drop("ice", "tcp-accept");
      co_await sleep_until(deadline_after(std::chrono::milliseconds(100)));
      continue;
    }
    const auto peer = accepted.remote_endpoint(error);
    const udp::endpoint from(peer.address(), peer.port());
    if (error || !owner.admits_connection(from)) {
      count_drop("ice", "filtered");
      continue;
    }
    auto extra = place();
    if (!extra) {
      count_drop("ice", "tcp-limit");
      continue;
    }
    error_code ignored;
    accepted.set_option(asio::ip::tcp::no_delay(true), ignored);
    accepted.native_non_blocking(true, ignored);
    if (dscp_ != 0) agw::set_dscp(accepted.native_handle(), from.address().is_v6(), dscp_);
    const auto number = ++last_number_;
    auto c = std::make_shared<connection>(std::move(accepted), route(from, number), std::move(*extra));
    connections_.emplace(number, c);
    tasks.spawn("connection", [this, c, &owner] { return run(c, owner); });
  }
}

// Connections are many in a flood only: then the oldest that has shown no valid check gives its place to the new one. A connection that
// has shown one stays, so that nobody without credentials can end it; where all have, the new one is refused.
std::optional<connection_quota::share> tcp_side::place() {
  if (connections_.size() < limits_.connections) {
    const auto own = std::ranges::count_if(connections_, [](const auto& one) { return one.second->extra.empty(); });
    if (static_cast<std::size_t>(own) < own_tcp_connections) return connection_quota::share();
    if (auto extra = limits_.extra->take()) return extra;
  }
  const auto victim = std::ranges::find_if(connections_, [](const auto& one) { return !one.second->verified; });
  if (victim == connections_.end()) return std::nullopt;
  count_drop("ice", "tcp-limit");
  const auto c = victim->second;
  c->unwanted = true;
  c->may_read.set();
  error_code ignored;
  c->socket.close(ignored);
  connections_.erase(victim);
  return std::move(c->extra);
}

awaitable<void> tcp_side::run(std::shared_ptr<connection> c, tcp_owner& owner) {
  const scope_guard gone([&] {
    connections_.erase(c->from.connection);
    owner.on_gone(c->from);
  });
  auto body = [this, &c, &owner](task_group& tasks) -> awaitable<void> {
    tasks.spawn("write", [this, &c] { return write(*c); });
    co_await read(*c, owner);
  };
  try {
    co_await with_tasks("ice tcp connection", body);
  } catch (const system_error& e) {
    if (e.code() == asio::error::operation_aborted && !c->unwanted) throw;
  }
}

clock::time_point tcp_side::due(const connection& c) const { return c.verified ? c.last_frame + limits_.idle : c.since + limits_.until_checked; }

void tcp_side::verified(std::uint32_t number) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  found->second->verified = true;
  found->second->last_frame = clock::now();
}

awaitable<void> tcp_side::read(connection& c, tcp_owner& owner) {
  std::vector<std::byte> buffer(read_bytes);
  datagram_batch frames;
  for (;;) {
    while (owner.congested() && !c.unwanted) co_await c.may_read.wait();
    const auto by = due(c);
    auto reading = c.socket.async_read_some(asio::buffer(buffer), use_awaitable);
    std::optional<std::size_t> count;
    try {
      count = co_await within(by, std::move(reading));
    } catch (const system_error& e) {
      if (e.code() == asio::error::operation_aborted && !c.unwanted) throw;
      co_return;  // the peer closed or reset it
    }
    if (c.unwanted) co_return;
    if ((!count || clock::now() >= by) && clock::now() >= due(c)) {  // octets that come all the time are no reason to stay
      count_drop("ice", c.verified ? "tcp-idle" : "tcp-unverified");
      co_return;
    }
    if (!count) continue;  // verified meanwhile
    traffic_.bytes_in += *count;
    frames.clear();
    const bool framed = c.frames.feed(bytes_view(buffer).first(*count), frames);
    traffic_.datagrams_in += frames.size();
    for (std::size_t i = 0; i < frames.size(); ++i) {
      c.verified = owner.on_frame(frames[i], c.from);
      if (c.verified) c.last_frame = clock::now();
    }
    if (!framed) {
      count_drop("ice", "tcp-framing");
      co_return;
    }
  }
}

awaitable<void> tcp_side::write(connection& c) {
  std::vector<std::byte> sending;
  for (;;) {
    while (c.outgoing.empty()) co_await c.something_to_send.wait();
    sending.clear();
    std::swap(sending, c.outgoing);
    auto writing = asio::async_write(c.socket, asio::buffer(sending), use_awaitable);
    co_await std::move(writing);
    traffic_.bytes_out += sending.size();
  }
}

void tcp_side::send(bytes_view datagram, std::uint32_t number) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return count_drop("ice", "tcp-gone");
  auto& c = *found->second;
  if (datagram.size() > 0xFFFF || c.outgoing.size() + datagram.size() > limits_.max_queued_bytes) return count_drop("ice", "tcp-queue");
  append_frame(c.outgoing, datagram);
  ++traffic_.datagrams_out;
  c.something_to_send.set();
}

void tcp_side::send(const datagram_batch& batch, std::uint32_t number) {
  for (std::size_t i = 0; i < batch.size(); ++i) send(batch[i], number);
}

void tcp_side::resume() {
  for (const auto& [number, c] : connections_) c->may_read.set();
}

bool tcp_side::set_dscp(unsigned dscp) noexcept {
  if (dscp > 63) return false;
  dscp_ = dscp;
  bool all = true;
  for (const auto& [number, c] : connections_) all = agw::set_dscp(c->socket.native_handle(), c->from.address.address().is_v6(), dscp) && all;
  return all;
}

}  // namespace agw::ice
