// What agw-controller can be told, by file and command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/settings.hpp"
#include "agw/h248/link_address.hpp"
#include "gateways.hpp"

namespace agw::controller {

struct controller_options {
  /// Where the gateway registers: one address for each transport
  std::vector<h248::peer_address> h248{{h248::transport::udp, boost::asio::ip::make_address("127.0.0.1"), 12944}};
  gateway_options gateways;  ///< names and weights
  clock::duration audit_interval = std::chrono::seconds(60);  ///< silence of a gateway after which it is asked; 0: never
  address_port http{boost::asio::ip::make_address("127.0.0.1"), 8080};   ///< page and WebSocket
  boost::asio::ip::address msrp = boost::asio::ip::make_address("127.0.0.1");  ///< the bot's address towards the gateway
  std::vector<std::string> http_names;  ///< by which the page is reached, besides addresses, localhost and this machine's name
  std::string log_level = "info";
};

/// Nothing: go on. Defaults first, then the file, then the command line.
std::optional<early_exit> parse(controller_options& out, int argc, const char* const* argv);

}  // namespace agw::controller
