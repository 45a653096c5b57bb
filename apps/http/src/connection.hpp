// Beast's types in the seam between an HTTP connection and its upgrade to a WebSocket. For the .cpp files of this folder only.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "agw/core/sockets.hpp"
#include "agw/http/websocket.hpp"

namespace agw::http {

namespace beast = boost::beast;
using beast_request = beast::http::request<beast::http::string_body>;

/// True when the page that sends the request is our own, or the client is no browser (RFC 6455, 10.2).
bool same_origin(const beast_request& request);

/// Does the opening handshake and serves the connection to its end.
awaitable<void> serve_websocket(tcp_socket socket, beast_request request, const websocket_config& config,
                                const websocket_handler& handler);

}  // namespace agw::http
