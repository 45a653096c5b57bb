// One WebSocket connection (RFC 6455), server side.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"

namespace agw::http {

struct websocket_config {
  std::size_t max_message_bytes = 256 * 1024;     ///< a longer message ends the connection with code 1009
  std::size_t max_queue_bytes = 4 * 1024 * 1024;  ///< what may wait to be sent to a peer that reads slowly
  clock::duration idle_timeout = std::chrono::seconds(30);  ///< silence after which the peer is gone; it is pinged at half of it
  clock::duration send_timeout = std::chrono::seconds(20);  ///< for one message to leave
  clock::duration close_timeout = std::chrono::seconds(2);  ///< for the queue to drain and the closing handshake
  bool same_origin = true;  ///< refuse (403) a browser's page that comes from another origin; clients without Origin pass
};

/// Lives as long as its handler runs. Shard-bound; owned by the server. Cancelling the handler ends the connection.
class websocket {
 public:
  struct impl;
  explicit websocket(impl& i) noexcept : impl_(i) {}
  websocket(const websocket&) = delete;
  websocket& operator=(const websocket&) = delete;

  /// The next text or binary message; nothing once the connection has ended, whoever ended it. One receive at a time. Call it
  /// again soon: pings, pongs and the peer's Close are seen only while it waits.
  awaitable<std::optional<std::string>> receive();

  /// Queues a text message behind all that were queued before; waits while the queue is full, in the order of the calls. False
  /// when the connection has ended. Any coroutine of the shard may call it, while the handler runs.
  awaitable<bool> send(std::string text);

  /// As send(), but never waits: a connection whose queue is full is too slow, and is ended. For events.
  bool post(std::string text);

  /// Sends what is queued, then a Close frame with `code` (RFC 6455, 7.4). receive() yields nothing from then on. Returns at once.
  void close(std::uint16_t code = 1000, std::string reason = {});

  bool is_open() const noexcept;
  std::size_t queued_bytes() const noexcept;
  asio::ip::tcp::endpoint remote() const;

 private:
  impl& impl_;
};

/// Serves one connection; the connection is closed when it returns. The websocket belongs to the server's frame.
using websocket_handler = std::function<awaitable<void>(websocket&)>;

}  // namespace agw::http
