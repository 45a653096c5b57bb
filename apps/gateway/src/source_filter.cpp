#include "agw/gateway/source_filter.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace agw::gateway {

namespace {

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc() || end != text.data() + text.size() || out > most) return std::nullopt;
  return out;
}

template <class Bytes>
bool same_prefix(const Bytes& a, const Bytes& b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (std::memcmp(a.data(), b.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const unsigned shift = 8 - rest;
  return (a[whole] >> shift) == (b[whole] >> shift);
}

}  // namespace

std::optional<address_range> parse_address_range(std::string_view text) {
  if (text.size() > 1 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  const auto slash = text.find('/');
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(std::string(text.substr(0, slash)), ec);
  if (ec) return std::nullopt;
  address_range out;
  out.address = address;
  const unsigned most = address.is_v6() ? 128 : 32;
  out.prefix_bits = most;
  if (slash == std::string_view::npos) return out;
  const auto bits = number(text.substr(slash + 1), most);
  if (!bits) return std::nullopt;
  out.prefix_bits = *bits;
  return out;
}

std::optional<port_range> parse_port_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = number(text.substr(0, dash), 65535);
  const auto last = dash == std::string_view::npos ? first : number(text.substr(dash + 1), 65535);
  if (!first || !last || *first > *last) return std::nullopt;
  port_range out;
  out.first = static_cast<std::uint16_t>(*first);
  out.last = static_cast<std::uint16_t>(*last);
  return out;
}

bool contains(const address_range& range, const ip_address& address) {
  if (range.address.is_v6() != address.is_v6()) return false;
  if (address.is_v6()) return same_prefix(range.address.to_v6().to_bytes(), address.to_v6().to_bytes(), range.prefix_bits);
  return same_prefix(range.address.to_v4().to_bytes(), address.to_v4().to_bytes(), range.prefix_bits);
}

bool admits(const source_filter& filter, const std::optional<ip_address>& remote_address, std::uint16_t remote_port,
            const ip_address& source, std::uint16_t port) {
  if (filter.by_address) {
    if (filter.range) {
      if (!contains(*filter.range, source)) return false;
    } else if (remote_address && source != *remote_address) {
      return false;
    }
  }
  if (filter.by_port) {
    if (filter.ports) return port >= filter.ports->first && port <= filter.ports->last;
    if (remote_port != 0) return port == remote_port;
  }
  return true;
}

}  // namespace agw::gateway
