#include <agw/h248/link_tcp.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <agw/core/sockets.hpp>
#include <agw/h248/link_tpkt.hpp>

#include "connection_link.hpp"

namespace agw::h248 {
namespace {

using asio::ip::tcp;

constexpr std::size_t read_bytes = 16384;

}  // namespace

// Named, since coroutines of a template are made of it.
class tcp_carrier {
 public:
  using protocol = tcp;
  using config_type = tcp_link_config;
  static constexpr transport via = transport::tcp;

  explicit tcp_carrier(const tcp_link_config& config) : config_(config) {}

  static std::size_t max_message_bytes() noexcept { return tpkt_max_message_bytes; }
  static error_code prepare(int) { return {}; }
  static void settle(tcp_socket& socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
  }

  struct queue {
    std::string framed;
    bool push(std::string_view text) { return append_tpkt(framed, text); }
    std::size_t bytes() const noexcept { return framed.size(); }
  };

  template <class F>
  awaitable<void> read(tcp_socket& socket, F deliver) {
    tpkt_reader frames;
    std::string buffer(read_bytes, '\0');
    auto by = no_deadline;
    for (;;) {
      const auto size = co_await until(by, socket.async_read_some(asio::buffer(buffer), use_awaitable));
      frames.push(std::string_view(buffer).substr(0, size));
      bool begun = frames.buffered_bytes() == size;  // nothing was there before
      for (;;) {
        const auto message = frames.next();
        if (!message) {
          count_drop("h248", "bad-frame");
          throw system_error(message.error());
        }
        if (message->empty()) break;
        begun = true;
        std::string text(*message);
        co_await deliver(std::move(text));
      }
      // Between messages a peer may be silent for as long as it likes; one that has begun must come within a time, however many pieces
      // it comes in.
      if (frames.buffered_bytes() == 0) by = no_deadline;
      else if (begun) by = deadline_after(config_.frame_timeout);
    }
  }

  awaitable<void> write(tcp_socket& socket, queue& waiting) {
    std::string out;
    while (!waiting.framed.empty()) {
      out.clear();
      out.swap(waiting.framed);
      co_await asio::async_write(socket, asio::buffer(out), use_awaitable);
    }
  }

 private:
  const tcp_link_config& config_;
};

result<std::unique_ptr<message_link>> open_tcp_link(loop_executor executor, const peer_address& local, tcp_link_config config) {
  return open_connection_link<tcp_carrier>(std::move(executor), local, config);
}

}  // namespace agw::h248
