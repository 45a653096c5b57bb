// A TCP peer's side of RFC 4571, by hand.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "agw/core/error.hpp"
#include "agw/core/sockets.hpp"
#include "agw/transports/ice_stage.hpp"

namespace agw::test {

/// What stands behind the address in the only TCP candidate.
inline std::uint16_t tcp_port(const ice::local_parameters& local) {
  const auto is_tcp = [](const std::string& line) { return line.find(" TCP ") != std::string::npos; };
  const auto line = std::ranges::find_if(local.candidates, is_tcp);
  REQUIRE(line != local.candidates.end());
  const std::string address = local.address.address().to_string() + ' ';
  return static_cast<std::uint16_t>(std::stoi(line->substr(line->find(address) + address.size())));
}

inline std::vector<std::byte> framed(bytes_view datagram) {
  std::vector<std::byte> out{static_cast<std::byte>(datagram.size() >> 8), static_cast<std::byte>(datagram.size() & 0xFF)};
  out.insert(out.end(), datagram.begin(), datagram.end());
  return out;
}

inline void send(tcp_socket& s, const std::vector<std::byte>& datagram) { asio::write(s, asio::buffer(framed(datagram))); }

inline awaitable<std::vector<std::byte>> receive(tcp_socket& s) {
  std::vector<std::byte> head(2);
  co_await asio::async_read(s, asio::buffer(head), use_awaitable);
  std::vector<std::byte> out(std::to_integer<std::size_t>(head[0]) << 8 | std::to_integer<std::size_t>(head[1]));
  co_await asio::async_read(s, asio::buffer(out), use_awaitable);
  co_return out;
}

/// True when the gateway has closed the connection; what came before is thrown away.
inline awaitable<bool> closed(tcp_socket& s) {
  std::vector<std::byte> rest(100);
  try {
    for (;;) co_await s.async_read_some(asio::buffer(rest), use_awaitable);
  } catch (const system_error& e) {
    co_return e.code() != asio::error::operation_aborted;
  }
}

}  // namespace agw::test
