#include "agw/control/links.hpp"

#include "agw/control/sctp_link.hpp"
#include "agw/core/log.hpp"

namespace agw::control {

namespace {

result<std::unique_ptr<h248::message_link>> open(loop_executor executor, const h248::peer_address& at, h248::link_side side) {
  if (at.via != h248::transport::sctp_over_udp) return h248::open_link(std::move(executor), at, side);
  sctp_link_config config;
  config.listen = side == h248::link_side::controller;
  config.dial = side == h248::link_side::gateway;
  return open_sctp_link(std::move(executor), at, config);
}

}  // namespace

bool add_links(h248::endpoint& control, const std::vector<h248::peer_address>& ends, h248::link_side side) {
  for (const auto& at : ends) {
    auto link = open(control.get_executor(), at, side);
    if (!link) {
      const bool no_sctp = at.via == h248::transport::sctp && link.error() == boost::system::errc::protocol_not_supported;
      log::error("H.248 on {}: {}", h248::to_text(at),
                 no_sctp ? "this machine's kernel has no SCTP (`modprobe sctp` may bring it); sctp+udp: needs none" : link.error().message());
      return false;
    }
    control.add_link(std::move(*link));
  }
  return true;
}

}  // namespace agw::control
