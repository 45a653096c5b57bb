// A name server of the tests, on loopback.
#pragma once

#include <arpa/nameser.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/udp.hpp>

#include <agw/core/awaitable.hpp>
#include <agw/core/sockets.hpp>

namespace agw::h248::test {

inline std::string number(std::uint32_t n, int octets) {
  std::string out;
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
  return out;
}
inline std::string labels(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto part = name.substr(0, name.find('.'));
    out += static_cast<char>(part.size());
    out += part;
    name.remove_prefix(std::min(part.size() + 1, name.size()));
  }
  return out + '\0';
}
inline std::string a(const char* address) { return number(asio::ip::make_address_v4(address).to_uint(), 4); }
inline std::string aaaa(const char* address) {
  const auto bytes = asio::ip::make_address_v6(address).to_bytes();
  return std::string(bytes.begin(), bytes.end());
}
inline std::string srv(int priority, int weight, int port, std::string_view host) {
  return number(static_cast<std::uint32_t>(priority), 2) + number(static_cast<std::uint32_t>(weight), 2) +
         number(static_cast<std::uint32_t>(port), 2) + labels(host);
}

// Answers from a table; for names that it has not it says so, as a name server does. Mute, it says nothing.
struct name_server {
  struct record {
    std::uint16_t type;
    std::uint32_t ttl;
    std::string data;
  };

  explicit name_server(loop_executor executor) : socket(executor, asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

  /// As resolver_config has it.
  std::string address() const { return "127.0.0.1:" + std::to_string(socket.local_endpoint().port()); }

  awaitable<void> run() {
    std::string buffer(1500, '\0');
    for (;;) {
      asio::ip::udp::endpoint from;
      const auto size = co_await socket.async_receive_from(asio::buffer(buffer), from, use_awaitable);
      if (mute) continue;
      const auto out = answer(std::string_view(buffer).substr(0, size));
      co_await socket.async_send_to(asio::buffer(out), from, use_awaitable);
    }
  }

  std::string answer(std::string_view question) {
    std::string name;
    std::size_t at = 12;
    for (; question[at] != 0; at += static_cast<std::size_t>(question[at]) + 1) {
      if (!name.empty()) name += '.';
      name += question.substr(at + 1, static_cast<std::size_t>(question[at]));
    }
    const auto type = static_cast<std::uint16_t>(static_cast<unsigned char>(question[at + 1]) << 8 | static_cast<unsigned char>(question[at + 2]));
    asked.push_back(name + (type == ns_t_srv ? " SRV" : type == ns_t_a ? " A" : " AAAA"));
    const bool known = records.contains(name);
    std::string rest;
    std::uint32_t count = 0;
    for (const auto& r : records[name]) {
      if (r.type != type) continue;
      ++count;
      rest += std::string("\xc0\x0c", 2) + number(r.type, 2) + number(1, 2) + number(r.ttl, 4) +
              number(static_cast<std::uint32_t>(r.data.size()), 2) + r.data;
    }
    if (!known) records.erase(name);
    return std::string(question.substr(0, 2)) + number(known ? 0x8580 : 0x8583, 2) + number(1, 2) + number(count, 2) + number(0, 4) +
           std::string(question.substr(12, at + 5 - 12)) + rest;
  }

  udp_socket socket;
  std::map<std::string, std::vector<record>> records;
  std::vector<std::string> asked;
  bool mute = false;
};

}  // namespace agw::h248::test
