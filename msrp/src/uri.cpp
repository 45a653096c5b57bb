#include "agw/msrp/uri.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include <arpa/inet.h>

#include "agw/msrp/error.hpp"
#include "text.hpp"

namespace agw::msrp {
namespace {

bool is_unreserved(char c) noexcept { return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; }
bool is_session_char(char c) noexcept { return is_unreserved(c) || c == '+' || c == '=' || c == '/'; }
// userinfo and reg-name of RFC 3986: unreserved, pct-encoded, sub-delims, and ":" in the former.
bool is_authority_char(char c) noexcept {
  return is_unreserved(c) || (c != '\0' && std::string_view("%!$&'()*+,;=:").find(c) != std::string_view::npos);
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// An address as its 4 or 16 octets, so that spellings compare equal.
std::string address_octets(std::string_view host) {
  std::array<char, 48> text{};
  std::array<char, 16> octets{};
  if (host.empty() || host.size() >= text.size()) return {};
  std::copy(host.begin(), host.end(), text.begin());
  if (inet_pton(AF_INET, text.data(), octets.data()) == 1) return std::string(octets.data(), 4);
  if (inet_pton(AF_INET6, text.data(), octets.data()) == 1) return std::string(octets.data(), 16);
  return {};
}

// Lower case, and percent-encoded unreserved characters decoded (RFC 3986, 6.2.2.2).
std::string normal_host(std::string_view host) {
  std::string out;
  out.reserve(host.size());
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (host[i] == '%' && i + 2 < host.size() && hex_value(host[i + 1]) >= 0 && hex_value(host[i + 2]) >= 0) {
      const char decoded = static_cast<char>(hex_value(host[i + 1]) * 16 + hex_value(host[i + 2]));
      if (is_unreserved(decoded)) {
        out.push_back(to_lower(decoded));
        i += 2;
        continue;
      }
    }
    out.push_back(to_lower(host[i]));
  }
  return out;
}

bool same_host(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const std::string left = normal_host(a);
  const std::string right = normal_host(b);
  if (left == right) return true;
  const std::string octets = address_octets(left);
  return !octets.empty() && octets == address_octets(right);
}

bool take_port(std::string_view text, uri_view& out) {
  unsigned value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || text.size() > 5 || value == 0 || value > 65535) return false;
  out.port = static_cast<std::uint16_t>(value);
  return true;
}

bool take_authority(std::string_view text, uri_view& out) {
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    out.userinfo = text.substr(0, at);
    text.remove_prefix(at + 1);
    if (!std::all_of(out.userinfo.begin(), out.userinfo.end(), is_authority_char)) return false;
  }
  if (text.empty()) return false;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return false;
    out.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (address_octets(out.host).size() != 16) return false;
    if (text.empty()) return true;
    return text.front() == ':' && take_port(text.substr(1), out);
  }
  const auto colon = text.rfind(':');
  out.host = text.substr(0, colon);
  if (out.host.empty() || !std::all_of(out.host.begin(), out.host.end(), is_authority_char)) return false;
  if (out.host.find(':') != std::string_view::npos && address_octets(out.host).size() != 16) return false;
  return colon == std::string_view::npos || take_port(text.substr(colon + 1), out);
}

bool take_parameters(std::string_view text) {
  while (!text.empty()) {
    if (text.front() != ';') return false;
    text.remove_prefix(1);
    const auto parameter = text.substr(0, text.find(';'));
    text.remove_prefix(parameter.size());
    const auto equals = parameter.find('=');
    if (!is_token(parameter.substr(0, equals))) return false;
    if (equals != std::string_view::npos && !is_token(parameter.substr(equals + 1))) return false;
  }
  return true;
}

}  // namespace

boost::system::result<uri_view> parse_uri(std::string_view text) {
  const auto bad = [] { return make_error_code(errc::bad_uri); };
  if (text.size() > max_uri_bytes) return bad();
  uri_view out;
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return bad();
  const auto scheme = text.substr(0, scheme_end);
  if (equal_nocase(scheme, "msrps")) {
    out.secure = true;
  } else if (!equal_nocase(scheme, "msrp")) {
    return bad();
  }
  text.remove_prefix(scheme_end + 3);

  // A session id cannot hold ";" nor a host "/": both may stand in user information only, which is not used.
  const auto authority = text.substr(0, text.find_first_of("/;"));
  if (!take_authority(authority, out)) return bad();
  text.remove_prefix(authority.size());
  if (!text.empty() && text.front() == '/') {
    const auto id = text.substr(1, text.find(';') - 1);
    if (id.empty() || !std::all_of(id.begin(), id.end(), is_session_char)) return bad();
    out.session_id = id;
    text.remove_prefix(std::min(text.size(), id.size() + 1));
  }
  if (text.empty() || text.front() != ';') return bad();
  text.remove_prefix(1);
  out.transport = text.substr(0, text.find(';'));
  if (out.transport.empty() || !std::all_of(out.transport.begin(), out.transport.end(), is_alnum)) return bad();
  out.parameters = text.substr(out.transport.size());
  if (!take_parameters(out.parameters)) return bad();
  return out;
}

bool equivalent(const uri_view& a, const uri_view& b) {
  return a.secure == b.secure && a.port == b.port && a.session_id == b.session_id && equal_nocase(a.transport, b.transport) &&
         same_host(a.host, b.host);
}

bool equivalent(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto left = parse_uri(a);
  const auto right = parse_uri(b);
  return left && right && equivalent(*left, *right);
}

bool matches(std::string_view a, std::string_view b, uri_match how) {
  if (how == uri_match::exact || a == b) return equivalent(a, b);
  const auto left = parse_uri(a);
  const auto right = parse_uri(b);
  return left && right && left->session_id && left->session_id == right->session_id;
}

std::string_view first_uri(std::string_view path) noexcept { return path.substr(0, path.find(' ')); }

std::string_view last_uri(std::string_view path) noexcept {
  const auto space = path.rfind(' ');
  return space == std::string_view::npos ? path : path.substr(space + 1);
}

boost::system::result<std::vector<std::string_view>> split_path(std::string_view path) {
  std::vector<std::string_view> uris;
  while (!path.empty()) {
    const auto one = first_uri(path);
    if (uris.size() == max_path_uris) return make_error_code(errc::bad_path);
    if (const auto parsed = parse_uri(one); !parsed) return parsed.error();
    uris.push_back(one);
    path.remove_prefix(std::min(path.size(), one.size() + 1));
  }
  if (uris.empty()) return make_error_code(errc::bad_path);
  return uris;
}

}  // namespace agw::msrp
