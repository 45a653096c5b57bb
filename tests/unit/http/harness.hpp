// A server on a free loopback port and a client that knows nothing of Beast: bytes out, bytes in.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "agw/core/sockets.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/http/server.hpp"
#include "support/loop.hpp"

namespace agw::test {

using asio::ip::tcp;

inline http::server_config loopback() {
  http::server_config c;
  c.address = tcp::endpoint(asio::ip::address_v4::loopback(), 0);
  return c;
}

class client {
 public:
  client(loop_executor executor, tcp::endpoint to) : socket_(std::move(executor)), to_(to) {}

  awaitable<void> connect() { co_await socket_.async_connect(to_, use_awaitable); }

  awaitable<void> send(std::string text) { co_await asio::async_write(socket_, asio::buffer(text), use_awaitable); }

  /// Everything until the server closes.
  awaitable<std::string> rest() {
    error_code ec;
    auto token = asio::redirect_error(use_awaitable, ec);
    co_await asio::async_read(socket_, asio::dynamic_buffer(in_), token);
    co_return std::exchange(in_, {});
  }

  /// Header lines up to the blank line; `body` gets what Content-Length announces.
  awaitable<std::string> head() {
    const auto end = co_await asio::async_read_until(socket_, asio::dynamic_buffer(in_), "\r\n\r\n", use_awaitable);
    auto out = in_.substr(0, end);
    in_.erase(0, end);
    co_return out;
  }

  awaitable<std::string> take(std::size_t count) {
    if (in_.size() < count) {
      co_await asio::async_read(socket_, asio::dynamic_buffer(in_), asio::transfer_exactly(count - in_.size()), use_awaitable);
    }
    auto out = in_.substr(0, count);
    in_.erase(0, count);
    co_return out;
  }

  /// Sends `request` on a fresh connection and returns all that comes back.
  awaitable<std::string> ask(std::string request) {
    co_await connect();
    co_await send(std::move(request));
    co_return co_await rest();
  }

  tcp_socket& socket() { return socket_; }

 private:
  tcp_socket socket_;
  tcp::endpoint to_;
  std::string in_;
};

/// A masked client frame (RFC 6455, 5.2).
inline std::string frame(unsigned opcode, std::string_view payload, bool fin = true, bool masked = true) {
  std::string out(1, static_cast<char>((fin ? 0x80 : 0) | opcode));
  const char mask_bit = masked ? static_cast<char>(0x80) : 0;
  if (payload.size() < 126) {
    out += static_cast<char>(mask_bit | static_cast<char>(payload.size()));
  } else if (payload.size() < 65536) {
    out += static_cast<char>(mask_bit | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(std::uint64_t(payload.size()) >> shift);
  }
  constexpr std::string_view key = "\x11\x22\x33\x44";
  if (masked) out += key;
  for (std::size_t i = 0; i < payload.size(); ++i) out += masked ? static_cast<char>(payload[i] ^ key[i % 4]) : payload[i];
  return out;
}

struct server_frame {
  unsigned opcode = 0;
  std::string payload;
};

inline awaitable<server_frame> read_frame(client& c) {
  server_frame out;
  auto head = co_await c.take(2);
  out.opcode = static_cast<unsigned char>(head[0]) & 0x0f;
  std::uint64_t size = static_cast<unsigned char>(head[1]);
  if (size >= 126) {
    const auto more = co_await c.take(size == 126 ? 2 : 8);
    size = 0;
    for (const char b : more) size = size << 8 | static_cast<unsigned char>(b);
  }
  out.payload = co_await c.take(size);
  co_return out;
}

inline std::string upgrade(std::string_view path, std::string_view extra = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" + std::string(extra) + "\r\n";
}

/// Listens, runs the server beside `f(endpoint)`, cancels it when that has ended, and sees every connection gone.
template <class F>
void with_server(http::server& server, asio::io_context& context, F f) {
  const auto at = server.listen();
  if (!at) throw system_error(at.error());
  const auto to = *at;
  run(context, [&server, &f, to]() -> awaitable<void> {
    auto body = [&server, &f, to](task_group& group) -> awaitable<void> {
      auto serve = [&server] { return server.run(); };
      group.spawn("server", std::move(serve));
      co_await f(to);
    };
    co_await with_tasks("test", std::move(body));
  });
  if (server.connections() != 0) throw std::logic_error("a connection outlived the server");
}

}  // namespace agw::test
