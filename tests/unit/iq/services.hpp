// What the gateways of one test program share.
#pragma once

#include <chrono>
#include <memory>

#include <agw/gateway/services.hpp>
#include <agw/gateway/stages.hpp>
#include <agw/iq/media_gateway.hpp>
#include <agw/transports/certificate.hpp>
#include <agw/transports/sctp_stack.hpp>

namespace agw::iq::test {

inline media_gateway_config two_sides() {
  media_gateway_config out;
  out.interfaces = {{"access", "access", asio::ip::make_address("127.0.0.1")}, {"core", "core", asio::ip::make_address("127.0.0.1")}};
  return out;
}

/// Every test of one program shares the stack, as contexts of one gateway do.
inline gateway::gateway_services& shared_services() {
  static sctp::stack stack;
  static port_pool ports(20000, 29999);
  static gateway::gateway_services services = [] {
    gateway::gateway_services out;
    out.ports = &ports;
    out.dtls = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
    out.config.flush_time = std::chrono::milliseconds(1);
    out.config.shutdown_time = std::chrono::milliseconds(1);
    gateway::add_builtin_stages(out.subprotocols);
    return out;
  }();
  return services;
}

}  // namespace agw::iq::test
