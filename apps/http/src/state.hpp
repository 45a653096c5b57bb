// What a server's connections share.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agw/core/sockets.hpp"
#include "agw/http/server.hpp"
#include "connection_table.hpp"
#include "spare_descriptor.hpp"

namespace agw::http {

struct server::state {
  explicit state(loop_executor executor, server_config c) : config(std::move(c)), acceptor(std::move(executor)) {}

  server_config config;
  tcp_acceptor acceptor;
  std::map<std::string, handler, std::less<>> handlers;
  std::map<std::string, asset, std::less<>> assets;
  std::map<std::string, websocket_handler, std::less<>> websockets;
  std::vector<std::pair<std::string, std::string>> headers;
  connection_table connections{config};
  spare_descriptor spare;  ///< whoever looks at /metrics does so when everything else has run out, too
};

/// One connection from its first byte to its last. Throws nothing but cancellation and what a bug throws.
awaitable<void> serve_connection(server::state& server, connection_table::entry& connection);

}  // namespace agw::http
