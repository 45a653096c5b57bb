#include "agw/core/sockets.hpp"
#include "agw/http/server.hpp"

#include <memory>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"

#include "state.hpp"

namespace agw::http {
namespace {

using asio::ip::tcp;

constexpr std::string_view busy =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n";

// Best effort, without waiting: whoever keeps all connections busy gets no coroutine for it.
void refuse(tcp_socket socket) {
  error_code ec;
  socket.non_blocking(true, ec);
  if (!ec) socket.write_some(asio::buffer(busy), ec);
  count_drop("http", "connections");
}

// A connection's own failure stays with it: the siblings in the group go on.
awaitable<void> contained(server::state& server, std::unique_ptr<connection_table::entry> connection) {
  const scope_guard ended([&] {
    connection.reset();
    server.spare.fill();
  });
  try {
    co_await serve_connection(server, *connection);
  } catch (const std::exception& e) {
    const auto error = std::current_exception();
    if (is_cancellation(error)) throw;
    log::warn("http: a connection ended: {}", e.what());
  }
}

awaitable<tcp_socket> accept(tcp_acceptor& acceptor, spare_descriptor& spare) {
  bool told = false;
  spare.fill();
  for (;;) {
    error_code ec;
    auto token = asio::redirect_error(use_awaitable, ec);
    // Without a descriptor Linux refuses an accept even when nobody has come: the spare one is for who has.
    co_await acceptor.async_wait(tcp_acceptor::wait_read, token);
    if (ec) throw system_error(ec);
    tcp_socket socket = co_await acceptor.async_accept(token);
    if (!ec) co_return socket;
    if (ec == asio::error::operation_aborted) throw system_error(ec);
    // Out of descriptors, or a connection that was gone before we took it: neither ends the server.
    if (ec == asio::error::no_descriptors && spare.release()) continue;
    if (!std::exchange(told, true)) log::warn("http: accept failed: {}", ec.message());
    co_await sleep_until(deadline_after(std::chrono::milliseconds(100)));
  }
}

}  // namespace

server::server(loop_executor executor, server_config config)
    : state_(std::make_unique<state>(std::move(executor), std::move(config))) {}

server::~server() = default;

void server::route(std::string path, handler h) { state_->handlers.insert_or_assign(std::move(path), std::move(h)); }

void server::assets(std::span<const asset> all) {
  for (const auto& a : all) state_->assets.insert_or_assign(std::string(a.path), a);
}

void server::websocket(std::string path, websocket_handler h) {
  state_->websockets.insert_or_assign(std::move(path), std::move(h));
}

void server::add_header(std::string name, std::string value) { state_->headers.emplace_back(std::move(name), std::move(value)); }

result<tcp::endpoint> server::listen() {
  auto& acceptor = state_->acceptor;
  error_code ec;
  acceptor.open(state_->config.address.protocol(), ec);
  if (ec) return ec;
  acceptor.set_option(tcp_acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(state_->config.address, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  tcp::endpoint bound;
  if (!ec) bound = acceptor.local_endpoint(ec);
  if (ec) {
    error_code ignored;
    acceptor.close(ignored);
    return ec;
  }
  return bound;
}

awaitable<void> server::run() {
  state& s = *state_;
  auto body = [&s](task_group& group) -> awaitable<void> {
    for (;;) {
      auto socket = co_await accept(s.acceptor, s.spare);
      error_code ec;
      const auto remote = socket.remote_endpoint(ec);
      if (ec) continue;
      const auto host = connection_table::host_of(remote.address());
      if (!s.connections.make_room(host)) {
        refuse(std::move(socket));
        continue;
      }
      auto entry = std::make_unique<connection_table::entry>(s.connections, std::move(socket), host);
      auto serve = [&s, entry = std::move(entry)]() mutable { return contained(s, std::move(entry)); };
      group.spawn("connection", std::move(serve));
    }
  };
  co_await with_tasks("http", std::move(body));
}

std::size_t server::connections() const noexcept { return state_->connections.size(); }

}  // namespace agw::http
