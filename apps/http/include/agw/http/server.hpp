// A small HTTP/1.1 server for what agw serves itself: metrics, health, the demo page and its WebSocket.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/http/message.hpp"
#include "agw/http/websocket.hpp"

namespace agw::http {

struct server_config {
  asio::ip::tcp::endpoint address;         ///< port 0: the system chooses
  /// Names by which clients may reach the server, besides IP addresses, localhost and the machine's own name; "*": any. Another name in
  /// Host is answered 421: a page elsewhere whose name was made to resolve to us (DNS rebinding) would read what we serve.
  std::vector<std::string> names;
  /// Content-Security-Policy of every response; empty: none.
  std::string content_security_policy =
      "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
  std::size_t max_connections = 256;       ///< one more closes the one that has been idle for longest; when none is idle, it gets 503
  std::size_t max_host_connections = 128;  ///< the same for one host (an IPv4 address, or the network of an IPv6 address, /64)
  std::size_t max_websockets = 192;        ///< of the connections; one more is answered 503
  std::size_t max_host_websockets = 96;    ///< the same for one host
  std::size_t max_header_bytes = 16 * 1024;  ///< request line and headers; more is answered 431
  std::size_t max_body_bytes = 64 * 1024;  ///< a GET needs none; more is answered 413
  clock::duration request_timeout = std::chrono::seconds(10);  ///< from the first byte of a request to its last; then 408
  clock::duration idle_timeout = std::chrono::seconds(60);     ///< between requests
  clock::duration handler_timeout = std::chrono::seconds(30);  ///< for a handler; then 503
  clock::duration write_timeout = std::chrono::seconds(30);    ///< for a response to leave
  websocket_config websocket;
};

/// Runs on one shard. Routes are added before run(). GET and HEAD only: other methods are answered 405. Destroy it only after
/// run() has returned.
class server {
 public:
  server(loop_executor executor, server_config config);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// `path` is compared exactly with the target before '?'. The last one added for a path counts.
  void route(std::string path, handler h);
  void assets(std::span<const asset> all);
  /// An Upgrade request on `path`; a plain GET there is answered 426.
  void websocket(std::string path, websocket_handler h);

  /// Header lines added to every response.
  void add_header(std::string name, std::string value);

  /// Binds and listens; yields the address with its real port. Errors are the system's (address in use …).
  result<asio::ip::tcp::endpoint> listen();

  /// Serves until it is cancelled; then every connection is ended before this returns. listen() first; call it once.
  awaitable<void> run();

  std::size_t connections() const noexcept;

  struct state;

 private:
  std::unique_ptr<state> state_;
};

}  // namespace agw::http
