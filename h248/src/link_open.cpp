#include <agw/h248/link_open.hpp>

#include <agw/h248/error.hpp>
#include <agw/h248/link_tcp.hpp>
#include <agw/h248/link_udp.hpp>

namespace agw::h248 {

result<std::unique_ptr<message_link>> open_link(asio::any_io_executor executor, const peer_address& local, link_side side) {
  switch (local.via) {
    case transport::udp: return open_udp_link(std::move(executor), local);
    case transport::tcp: {
      tcp_link_config config;
      config.listen = side == link_side::controller;
      config.dial = side == link_side::gateway;
      return open_tcp_link(std::move(executor), local, config);
    }
    case transport::sctp:
    case transport::sctp_over_udp: break;
  }
  return make_error_code(errc::no_link);
}

}  // namespace agw::h248
