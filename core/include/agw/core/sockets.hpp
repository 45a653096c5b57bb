// Asio's sockets, on a loop.
#pragma once

#include <boost/asio/basic_datagram_socket.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include "agw/core/awaitable.hpp"

namespace agw {

using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, loop_executor>;
using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, loop_executor>;
using udp_socket = asio::basic_datagram_socket<asio::ip::udp, loop_executor>;

}  // namespace agw
