#include <agw/h248/link_open.hpp>

#include <agw/h248/error.hpp>
#include <agw/h248/link_sctp.hpp>
#include <agw/h248/link_tcp.hpp>
#include <agw/h248/link_udp.hpp>

namespace agw::h248 {
namespace {

template <class Config>
Config of_side(link_side side) {
  Config config;
  config.listen = side == link_side::controller;
  config.dial = side == link_side::gateway;
  return config;
}

}  // namespace

result<std::unique_ptr<message_link>> open_link(loop_executor executor, const peer_address& local, link_side side) {
  switch (local.via) {
    case transport::udp: return open_udp_link(std::move(executor), local);
    case transport::tcp: return open_tcp_link(std::move(executor), local, of_side<tcp_link_config>(side));
    case transport::sctp: return open_kernel_sctp_link(std::move(executor), local, of_side<kernel_sctp_config>(side));
    case transport::sctp_over_udp: break;
  }
  return make_error_code(errc::no_link);
}

}  // namespace agw::h248
