#include "host_check.hpp"

#include <algorithm>

#include <boost/asio/ip/host_name.hpp>

#include "agw/core/metrics.hpp"

namespace agw::http {

namespace {

bool equal(std::string_view a, std::string_view b) { return beast::iequals({a.data(), a.size()}, {b.data(), b.size()}); }

// The name without its port; nothing when it is neither.
std::string_view without_port(std::string_view host) {
  const auto end = host.starts_with('[') ? host.find(']') + 1 : host.find(':');
  const auto name = host.substr(0, end);
  const auto rest = host.substr(name.size());
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (rest.empty() || (rest.starts_with(':') && rest.size() <= 6 && std::ranges::all_of(rest.substr(1), digit))) return name;
  return {};
}

const std::string& machine_name() {
  static const std::string name = [] {
    boost::system::error_code ec;
    return asio::ip::host_name(ec);
  }();
  return name;
}

}  // namespace

bool is_own_name(std::string_view host, const std::vector<std::string>& names) {
  auto name = without_port(host);
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) return false;
  const bool brackets = name.starts_with('[') && name.ends_with(']');
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(std::string(brackets ? name.substr(1, name.size() - 2) : name), ec);
  if (!ec) return address.is_v6() == brackets;
  if (equal(name, "localhost") || (name.size() > 10 && equal(name.substr(name.size() - 10), ".localhost"))) return true;
  if (equal(name, machine_name())) return true;
  return std::ranges::any_of(names, [&](const std::string& own) { return own == "*" || equal(own, name); });
}

unsigned check_host(const server_config& config, const beast_request& request) {
  const auto hosts = request.equal_range(beast::http::field::host);
  const auto count = std::distance(hosts.first, hosts.second);
  if (count > 1 || (count == 0 && request.version() >= 11)) return 400;
  if (count == 0) return 0;
  const auto value = hosts.first->value();
  if (is_own_name({value.data(), value.size()}, config.names)) return 0;
  count_drop("http", "host");
  return 421;
}

}  // namespace agw::http
