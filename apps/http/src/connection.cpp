#include "connection.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/until.hpp"

#include "host_check.hpp"
#include "state.hpp"

namespace agw::http {
namespace {

namespace bhttp = beast::http;
using asio::ip::tcp;
using request_parser = bhttp::request_parser<bhttp::string_body>;

// How a request came in: complete, or the status that tells its sender what was wrong; 0 = close without a word.
struct reading {
  bool complete = false;
  unsigned status = 0;
};

unsigned status_of(error_code ec) {
  if (ec == core_error::timed_out) return 408;
  if (ec == bhttp::error::header_limit || ec == bhttp::error::buffer_overflow) return 431;
  if (ec == bhttp::error::body_limit) return 413;
  // Anything else of Beast's is a request that is no HTTP; the rest are the socket's own ends.
  return ec.category() == bhttp::make_error_code(bhttp::error::bad_method).category() && ec != bhttp::error::end_of_stream &&
                 ec != bhttp::error::partial_message
             ? 400
             : 0;
}

awaitable<void> readable(tcp_socket& socket) {
  co_await socket.async_wait(tcp_socket::wait_read, use_awaitable);
}

awaitable<void> read(tcp_socket& socket, beast::flat_buffer& buffer, request_parser& parser) {
  co_await bhttp::async_read(socket, buffer, parser, use_awaitable);
}

awaitable<reading> read_request(const server_config& config, tcp_socket& socket, beast::flat_buffer& buffer,
                                request_parser& parser) {
  reading out;
  bool begun = buffer.size() > 0;  // pipelined
  try {
    if (!begun) co_await until(deadline_after(config.idle_timeout), readable(socket));
    begun = true;
    co_await until(deadline_after(config.request_timeout), read(socket, buffer, parser));
    out.complete = true;
  } catch (const system_error& e) {
    if (is_cancellation(std::current_exception())) throw;
    out.status = begun ? status_of(e.code()) : 0;
  }
  co_return out;
}

response plain(unsigned status) {
  response r;
  r.status = status;
  r.body = std::string(bhttp::obsolete_reason(static_cast<bhttp::status>(status))) + "\n";
  return r;
}

awaitable<response> run_handler(const handler& h, request r, deadline by) {
  response out = plain(500);
  try {
    out = co_await until(by, h(std::move(r)));
  } catch (const std::exception& e) {
    if (is_cancellation(std::current_exception())) throw;
    const auto* timed = dynamic_cast<const system_error*>(&e);
    if (timed != nullptr && timed->code() == core_error::timed_out) out = plain(503);
    log::error("http: a handler failed: {}", e.what());
  }
  co_return out;
}

// What is sent: a handler's response, or an asset that stays where it is.
struct reply {
  response head;
  std::span<const char> body;
};

awaitable<void> write(const server::state& server, tcp_socket& socket, const reply& r, unsigned version, bool keep_alive,
                      bool head_only) {
  bhttp::response<bhttp::span_body<const char>> message(static_cast<bhttp::status>(r.head.status), version);
  message.set(bhttp::field::server, "agw");
  message.set(bhttp::field::content_type, r.head.content_type);
  message.set("X-Content-Type-Options", "nosniff");
  if (!server.config.content_security_policy.empty()) message.set("Content-Security-Policy", server.config.content_security_policy);
  for (const auto& [name, value] : server.headers) message.set(name, value);
  for (const auto& [name, value] : r.head.headers) message.set(name, value);
  message.keep_alive(keep_alive);
  message.content_length(r.body.size());
  if (!head_only) message.body() = bhttp::span_body<const char>::value_type(r.body.data(), r.body.size());
  bhttp::response_serializer<bhttp::span_body<const char>> serializer(message);
  if (head_only) {
    co_await bhttp::async_write_header(socket, serializer, use_awaitable);
  } else {
    co_await bhttp::async_write(socket, serializer, use_awaitable);
  }
}

// After an error there may be more of the peer's bytes under way; closing over them would reset the connection and lose the
// answer.
awaitable<void> linger(tcp_socket& socket) {
  std::array<char, 4096> sink;
  std::size_t left = 256 * 1024;
  error_code ec;
  socket.shutdown(tcp_socket::shutdown_send, ec);
  while (!ec && left > 0) {
    auto token = asio::redirect_error(use_awaitable, ec);
    const auto got = co_await socket.async_read_some(asio::buffer(sink), token);
    left -= std::min(left, got);
  }
}

awaitable<reply> answer(server::state& server, const beast_request& message, tcp::endpoint remote) {
  const std::string_view target(message.target().data(), message.target().size());
  const auto path = target.substr(0, target.find('?'));
  reply out;
  if (message.method() != bhttp::verb::get && message.method() != bhttp::verb::head) {
    out.head = plain(405);
    out.head.headers.emplace_back("Allow", "GET, HEAD");
  } else if (auto h = server.handlers.find(path); h != server.handlers.end()) {
    request r;
    r.path = std::string(path);
    r.query = target.size() > path.size() ? std::string(target.substr(path.size() + 1)) : std::string();
    r.remote = remote;
    out.head = co_await run_handler(h->second, std::move(r), deadline_after(server.config.handler_timeout));
  } else if (auto a = server.assets.find(path); a != server.assets.end()) {
    out.head.content_type = std::string(a->second.content_type);
    out.head.headers.emplace_back("Cache-Control", "no-cache");
    out.body = {reinterpret_cast<const char*>(a->second.bytes.data()), a->second.bytes.size()};
    co_return out;
  } else if (server.websockets.contains(path)) {
    out.head = plain(426);
    out.head.headers.emplace_back("Upgrade", "websocket");
  } else {
    out.head = plain(404);
  }
  co_return out;
}

}  // namespace

awaitable<void> serve_connection(server::state& server, connection_table::entry& connection) {
  using phase = connection_table::phase;
  auto& socket = connection.socket();
  error_code ec;
  const auto remote = socket.remote_endpoint(ec);
  if (ec) co_return;
  socket.set_option(tcp::no_delay(true), ec);
  const auto& config = server.config;
  beast::flat_buffer buffer(config.max_header_bytes + config.max_body_bytes);

  for (bool keep_alive = true; keep_alive;) {
    request_parser parser;
    parser.header_limit(static_cast<std::uint32_t>(config.max_header_bytes));
    parser.body_limit(config.max_body_bytes);
    connection.set(phase::waiting);
    const auto got = co_await read_request(config, socket, buffer, parser);
    connection.set(phase::answering);
    if (!got.complete && got.status == 0) co_return;
    reply out;
    unsigned refused = 0;
    bool head_only = false;
    unsigned version = 11;
    if (got.complete) {
      auto message = parser.release();
      refused = check_host(config, message);
      if (refused == 0 && beast::websocket::is_upgrade(message)) {
        const std::string_view target(message.target().data(), message.target().size());
        if (auto w = server.websockets.find(target.substr(0, target.find('?'))); w != server.websockets.end()) {
          if (config.websocket.same_origin && !same_origin(message)) {
            refused = 403;
          } else if (!connection.upgrade()) {
            refused = 503;
          } else {
            co_await serve_websocket(std::move(socket), std::move(message), config.websocket, w->second);
            co_return;
          }
        }
      }
      if (refused != 0) {
        out.head = plain(refused);
      } else {
        out = co_await answer(server, message, remote);
      }
      keep_alive = message.keep_alive() && refused == 0;
      head_only = message.method() == bhttp::verb::head;
      version = message.version();
    } else {
      count_drop("http", got.status == 408 ? "slow" : "request");
      out.head = plain(got.status);
      keep_alive = false;
    }
    if (out.body.empty()) out.body = {out.head.body.data(), out.head.body.size()};
    bool sent = true;
    try {
      co_await until(deadline_after(config.write_timeout), write(server, socket, out, version, keep_alive, head_only));
    } catch (const system_error&) {
      if (is_cancellation(std::current_exception())) throw;
      sent = false;  // the peer has gone, or reads too slowly
    }
    if (!sent) co_return;
  }
  try {
    co_await until(deadline_after(std::chrono::seconds(1)), linger(socket));
  } catch (const system_error&) {
    if (is_cancellation(std::current_exception())) throw;
  }
}

}  // namespace agw::http
