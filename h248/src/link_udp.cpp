#include <agw/h248/link_udp.hpp>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/redirect_error.hpp>

#include <agw/core/log.hpp>
#include <agw/core/metrics.hpp>
#include <agw/core/sockets.hpp>
#include <agw/h248/error.hpp>

namespace agw::h248 {
namespace {

using asio::ip::udp;

constexpr std::size_t max_datagram_bytes = 65507;
// Datagrams handled before others of the shard get their turn.
constexpr int batch = 32;
// A burst of calls arrives at once; the kernel's default of 208 KiB holds a hundred messages.
constexpr int socket_buffer_bytes = 1 << 20;

class udp_link final : public message_link {
 public:
  udp_link(udp_socket socket, asio::ip::address own) : socket_(std::move(socket)), own_(std::move(own)) {}

  transport kind() const noexcept override { return transport::udp; }
  bool reliable() const noexcept override { return false; }
  std::size_t max_message_bytes() const noexcept override { return max_datagram_bytes; }
  peer_address local() const override {
    boost::system::error_code ec;
    const auto at = socket_.local_endpoint(ec);
    return {transport::udp, at.address(), at.port()};
  }

  awaitable<void> run(receiver on_message, state_observer) override {
    std::string buffer(max_datagram_bytes + 1, '\0');
    for (;;) {
      boost::system::error_code ec;
      auto token = asio::redirect_error(use_awaitable, ec);
      co_await socket_.async_wait(udp_socket::wait_read, token);
      if (ec == asio::error::operation_aborted) throw system_error(ec);
      for (int n = 0; n < batch && receive(buffer, on_message); ++n) {
      }
    }
  }

  bool send(const peer_address& to, std::string_view text) override {
    boost::system::error_code ec;
    socket_.send_to(asio::buffer(text), udp::endpoint(mapped_for(own_, to.host), to.port), 0, ec);
    if (ec) {
      count_drop("h248", ec == asio::error::would_block ? "send-buffer-full" : "send-failed");
      log::debug("h248: cannot send to {}: {}", to_text(to), ec.message());
    }
    return true;
  }

 private:
  // False: nothing more to receive now.
  bool receive(std::string& buffer, const receiver& on_message) {
    udp::endpoint from;
    boost::system::error_code ec;
    const auto size = socket_.receive_from(asio::buffer(buffer), from, 0, ec);
    if (ec == asio::error::would_block) return false;
    if (ec) return true;  // an ICMP error of an earlier datagram
    if (size == 0 || size > max_datagram_bytes) {
      count_drop("h248", "size");
      return true;
    }
    on_message({transport::udp, unmapped(from.address()), from.port()}, buffer.substr(0, size));
    return true;
  }

  udp_socket socket_;
  asio::ip::address own_;  // the wildcard address ::, too, stands for both families: peers of IPv4 come as mapped addresses
};

}  // namespace

result<std::unique_ptr<message_link>> open_udp_link(loop_executor executor, const peer_address& local) {
  boost::system::error_code ec;
  udp_socket socket(std::move(executor));
  const udp::endpoint at(local.host, local.port);
  socket.open(at.protocol(), ec);
  if (!ec) socket.bind(at, ec);
  if (!ec) socket.non_blocking(true, ec);
  if (ec) return ec;
  boost::system::error_code ignored;  // the kernel grants what it likes
  socket.set_option(asio::socket_base::receive_buffer_size(socket_buffer_bytes), ignored);
  socket.set_option(asio::socket_base::send_buffer_size(socket_buffer_bytes), ignored);
  return std::unique_ptr<message_link>(std::make_unique<udp_link>(std::move(socket), local.host));
}

}  // namespace agw::h248
