#include "agw/core/value_kind.hpp"

#include <array>
#include <charconv>
#include <fstream>
#include <system_error>

#include <boost/system/error_code.hpp>

namespace agw {

namespace {

using ip_address = boost::asio::ip::address;

const std::string* as_text(const config_value& v) { return std::get_if<std::string>(&v.data); }

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<ip_address> ip(std::string_view text) {
  boost::system::error_code ec;
  auto value = boost::asio::ip::make_address(text, ec);
  // A scope ("fe80::1%eth0") would not survive in SDP.
  if (ec || text.find('%') != std::string_view::npos) return std::nullopt;
  return value;
}

struct split_host {
  std::string_view host;
  bool bracketed = false;
  std::uint16_t port = 0;
};

// HOST:PORT or [IPV6]:PORT.
std::optional<split_host> split(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = number<std::uint16_t>(text.substr(colon + 1));
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!port || host.empty() || (!bracketed && host.find(':') != std::string_view::npos)) return std::nullopt;
  return split_host{host, bracketed, *port};
}

struct unit {
  std::string_view name;
  clock::duration length;
};
constexpr std::array<unit, 4> units{{{"h", std::chrono::hours(1)},
                                     {"min", std::chrono::minutes(1)},
                                     {"s", std::chrono::seconds(1)},
                                     {"ms", std::chrono::milliseconds(1)}}};

std::string written(clock::duration d) {
  for (const auto& u : units) {
    if (d != clock::duration{} && d % u.length == clock::duration{}) return std::to_string(d / u.length) + std::string(u.name);
  }
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) + "ms";
}

std::optional<clock::duration> parse_duration(std::string_view text) {
  const auto digits = text.find_first_not_of("0123456789");
  if (digits == std::string_view::npos) return std::nullopt;
  const auto count = number<std::int64_t>(text.substr(0, digits));
  for (const auto& u : units) {
    if (text.substr(digits) != u.name) continue;
    if (!count || *count > clock::duration::max() / u.length) return std::nullopt;
    return *count * u.length;
  }
  return std::nullopt;
}

}  // namespace

std::string address_port::str() const {
  return (address.is_v6() ? "[" : "") + address.to_string() + (address.is_v6() ? "]:" : ":") + std::to_string(port);
}

namespace kind {

value_kind<std::string> text(std::size_t min_bytes, std::size_t max_bytes) {
  auto allowed = "a text of " + std::to_string(min_bytes) + " to " + std::to_string(max_bytes) + " bytes";
  return text_that(std::move(allowed), [=](std::string_view t) { return t.size() >= min_bytes && t.size() <= max_bytes; });
}

value_kind<std::string> text_that(std::string allowed, std::function<bool(std::string_view)> accept) {
  auto read = [accept = std::move(accept)](const config_value& v) -> std::optional<std::string> {
    const auto* text = as_text(v);
    return text && accept(*text) ? std::optional(*text) : std::nullopt;
  };
  return {std::move(allowed), std::move(read), quoted};
}

value_kind<std::string> file() {
  return text_that("the path of a file that can be read, or \"\"", [](std::string_view path) {
    if (path.empty()) return true;
    std::ifstream in{std::string(path)};
    in.peek();
    return in.good() || in.eof();
  });
}

value_kind<bool> truth() {
  auto read = [](const config_value& v) -> std::optional<bool> {
    if (const auto* value = std::get_if<bool>(&v.data)) return *value;
    const auto* text = v.is_text ? as_text(v) : nullptr;
    if (text && *text == "true") return true;
    if (text && *text == "false") return false;
    return std::nullopt;
  };
  return {"true or false", read, [](const bool& v) { return std::string(v ? "true" : "false"); }};
}

value_kind<clock::duration> any_duration(clock::duration min, clock::duration max) {
  auto allowed = "a duration from " + written(min) + " to " + written(max) + ", in ms, s, min or h, such as \"500ms\"";
  auto read = [=](const config_value& v) -> std::optional<clock::duration> {
    const auto* text = as_text(v);
    const auto value = text ? parse_duration(*text) : std::nullopt;
    return value && *value >= min && *value <= max ? value : std::nullopt;
  };
  return {std::move(allowed), read, [](const clock::duration& v) { return "\"" + written(v) + "\""; }};
}

value_kind<ip_address> address(bool wildcard) {
  auto read = [wildcard](const config_value& v) -> std::optional<ip_address> {
    const auto* text = as_text(v);
    auto value = text ? ip(*text) : std::nullopt;
    return value && (wildcard || !value->is_unspecified()) ? value : std::nullopt;
  };
  return {wildcard ? "an IPv4 or IPv6 address" : "an IPv4 or IPv6 address of this machine, not a wildcard", read,
          [](const ip_address& a) { return "\"" + a.to_string() + "\""; }};
}

value_kind<address_port> listen_address() {
  auto read = [](const config_value& v) -> std::optional<address_port> {
    const auto* text = as_text(v);
    const auto parts = text ? split(*text) : std::nullopt;
    const auto value = parts ? ip(parts->host) : std::nullopt;
    if (!value || value->is_v6() != parts->bracketed) return std::nullopt;
    return address_port{*value, parts->port};
  };
  return {"ADDRESS:PORT with a port from 0 to 65535 (0: any free one), such as 127.0.0.1:2944 or [::1]:2944", read,
          [](const address_port& a) { return "\"" + a.str() + "\""; }};
}

value_kind<port_range> ports(std::uint16_t min, std::uint16_t max) {
  auto allowed = "LOW-HIGH, two ports from " + std::to_string(min) + " to " + std::to_string(max) + ", the lower one first";
  auto read = [=](const config_value& v) -> std::optional<port_range> {
    const auto* text = as_text(v);
    const auto dash = text ? text->find('-') : std::string::npos;
    if (dash == std::string::npos) return std::nullopt;
    const auto low = number<std::uint16_t>(std::string_view(*text).substr(0, dash));
    const auto high = number<std::uint16_t>(std::string_view(*text).substr(dash + 1));
    if (!low || !high || *low < min || *high > max || *low > *high) return std::nullopt;
    return port_range{*low, *high};
  };
  auto write = [](const port_range& r) { return "\"" + std::to_string(r.low) + "-" + std::to_string(r.high) + "\""; };
  return {std::move(allowed), read, write};
}

value_kind<std::int64_t> integer64(std::int64_t min, std::int64_t max) {
  auto allowed = "an integer from " + std::to_string(min) + " to " + std::to_string(max);
  auto read = [=](const config_value& v) -> std::optional<std::int64_t> {
    std::optional<std::int64_t> value;
    if (const auto* integer = std::get_if<std::int64_t>(&v.data)) value = *integer;
    if (const auto* text = v.is_text ? as_text(v) : nullptr) value = number<std::int64_t>(*text);
    return value && *value >= min && *value <= max ? value : std::nullopt;
  };
  return {std::move(allowed), read, [](const std::int64_t& v) { return std::to_string(v); }};
}

}  // namespace kind
}  // namespace agw
