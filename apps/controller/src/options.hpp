// What agw-controller can be told, by file and command line.
#pragma once

#include <optional>
#include <string>

#include "agw/core/settings.hpp"

namespace agw::controller {

struct controller_options {
  address_port h248{boost::asio::ip::make_address("127.0.0.1"), 12944};  ///< where the gateway registers
  address_port http{boost::asio::ip::make_address("127.0.0.1"), 8080};   ///< page and WebSocket
  boost::asio::ip::address msrp = boost::asio::ip::make_address("127.0.0.1");  ///< the bot's address towards the gateway
  std::string log_level = "info";
};

/// Nothing: go on. Defaults first, then the file, then the command line.
std::optional<early_exit> parse(controller_options& out, int argc, const char* const* argv);

}  // namespace agw::controller
