#include <agw/h248/link_address.hpp>

#include <algorithm>
#include <charconv>

#include <agw/h248/error.hpp>

namespace agw::h248 {
namespace {

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A name whose last label is a number is a broken address (RFC 1123 2.1).
bool is_domain(std::string_view text) {
  const auto last = text.substr(text.rfind('.') == std::string_view::npos ? 0 : text.rfind('.') + 1);
  const bool number = !last.empty() && std::ranges::all_of(last, is_digit);
  return !number && !text.empty() && text.size() <= 253 && text.front() != '-' && text.front() != '.' &&
         std::ranges::all_of(text, [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.'; });
}

// "host", "host:port", "[v6]" and "[v6]:port" into their parts.
struct host_port {
  std::string_view host;
  std::optional<std::uint16_t> port;
};
std::optional<host_port> split(std::string_view text, char open, char close) {
  host_port out;
  if (open != 0) {
    const auto end = text.find(close);
    if (text.empty() || text.front() != open || end == std::string_view::npos) return std::nullopt;
    out.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    out.host = text.substr(0, text.find(':'));
    text.remove_prefix(out.host.size());
  }
  if (text.empty()) return out;
  if (text.front() != ':') return std::nullopt;
  out.port = port_of(text.substr(1));
  if (!out.port) return std::nullopt;
  return out;
}

asio::ip::address parse_host(std::string_view text, boost::system::error_code& ec) {
  return asio::ip::make_address(std::string(text), ec);
}

void append_port(std::string& out, std::optional<std::uint16_t> port) {
  if (port) out.append(":").append(std::to_string(*port));
}

}  // namespace

std::string_view to_text(transport via) noexcept {
  switch (via) {
    case transport::udp: return "udp";
    case transport::tcp: return "tcp";
    case transport::sctp: return "sctp";
    case transport::sctp_over_udp: return "sctp+udp";
  }
  return "";
}

std::string to_text(const peer_address& peer) { return to_text(peer_name{peer.via, peer.host.to_string(), peer.port}); }

std::string to_text(const peer_name& name) {
  std::string out;
  if (name.via != transport::udp) out.append(to_text(name.via)).append(":");
  const bool v6 = name.host.find(':') != std::string::npos;
  if (v6) out += '[';
  out += name.host;
  if (v6) out += ']';
  append_port(out, name.port);
  return out;
}

result<peer_name> peer_name::parse(std::string_view text, transport fallback) {
  peer_name out;
  out.via = fallback;
  for (const auto via : {transport::udp, transport::tcp, transport::sctp, transport::sctp_over_udp}) {
    const auto word = to_text(via);
    if (text.size() <= word.size() || !iequals(text.substr(0, word.size()), word) || text[word.size()] != ':') continue;
    // "tcp:5000" is the host of that name; "tcp:host" has something else than a port behind it.
    if (port_of(text.substr(word.size() + 1))) break;
    out.via = via;
    text.remove_prefix(word.size() + 1);
    break;
  }
  const bool bracketed = !text.empty() && text.front() == '[';
  const auto parts = bracketed ? split(text, '[', ']') : split(text, 0, 0);
  if (!parts) return make_error_code(errc::bad_address);
  boost::system::error_code ec;
  const auto host = parse_host(parts->host, ec);
  if (bracketed ? ec || !host.is_v6() : ec && !is_domain(parts->host)) return make_error_code(errc::bad_address);
  out.host = parts->host;
  out.port = parts->port.value_or(default_port(out.via));
  return out;
}

result<peer_address> numeric(const peer_name& name) {
  boost::system::error_code ec;
  auto host = parse_host(name.host, ec);
  if (ec) return make_error_code(errc::bad_address);
  return peer_address{name.via, std::move(host), name.port};
}

std::vector<peer_address> reachable_from(const asio::ip::address& local, std::vector<peer_address> all) {
  // The wildcard :: stands for both families.
  const bool v4 = local.is_v4() || local.is_unspecified(), v6 = local.is_v6();
  std::erase_if(all, [&](const peer_address& a) { return a.host.is_v6() ? !v6 : !v4; });
  return all;
}

asio::ip::address unmapped(asio::ip::address host) {
  if (host.is_v6() && host.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, host.to_v6());
  return host;
}

asio::ip::address mapped_for(const asio::ip::address& local, asio::ip::address host) {
  if (local.is_v6() && host.is_v4()) return asio::ip::make_address_v6(asio::ip::v4_mapped, host.to_v4());
  return host;
}

result<mid_name> mid_name::parse(std::string_view text) {
  mid_name out;
  const auto bad = make_error_code(errc::bad_mid);
  if (text.empty() || text.size() > 255) return bad;
  if (text.front() == '[') {
    const auto parts = split(text, '[', ']');
    if (!parts || parts->port == 0) return bad;
    boost::system::error_code ec;
    const auto host = parse_host(parts->host, ec);
    if (ec) return bad;
    out.type_ = host.is_v6() ? mid::form::ip6 : mid::form::ip4;
    out.text_ = parts->host;
    out.port_ = parts->port;
  } else if (text.front() == '<') {
    const auto parts = split(text, '<', '>');
    if (!parts || !is_domain(parts->host) || parts->port == 0) return bad;
    out.type_ = mid::form::domain;
    out.text_ = parts->host;
    out.port_ = parts->port;
  } else if (text.size() > 5 && iequals(text.substr(0, 4), "MTP{") && text.back() == '}') {
    const auto digits = text.substr(4, text.size() - 5);
    const bool hex = std::ranges::all_of(digits, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
    if (digits.size() < 4 || digits.size() > 8 || !hex) return bad;
    out.type_ = mid::form::mtp;
    out.text_ = digits;
  } else {
    const auto allowed = [](char c) {
      return is_alpha(c) || is_digit(c) || c == '/' || c == '_' || c == '*' || c == '$' || c == '@' || c == '.' || c == '-';
    };
    if (text.size() > 64 || (!is_alpha(text.front()) && text.front() != '*') || !std::ranges::all_of(text, allowed)) return bad;
    out.type_ = mid::form::device;
    out.text_ = text;
  }
  return out;
}

mid_name mid_name::of(const peer_address& address) {
  mid_name out;
  out.type_ = address.host.is_v6() ? mid::form::ip6 : mid::form::ip4;
  out.text_ = address.host.to_string();
  out.port_ = address.port;
  return out;
}

std::string to_text(const mid& id) {
  std::string out;
  switch (id.type) {
    case mid::form::ip4:
    case mid::form::ip6: out.append("[").append(id.text).append("]"); break;
    case mid::form::domain: out.append("<").append(id.text).append(">"); break;
    case mid::form::mtp: out.append("MTP{").append(id.text).append("}"); break;
    case mid::form::device: out.append(id.text); break;
  }
  append_port(out, id.port);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::optional<peer_name> peer_of(const mid& id, transport via) {
  if (id.type == mid::form::device || id.type == mid::form::mtp || id.text.empty()) return std::nullopt;
  const auto port = id.port.value_or(text_port);
  return peer_name{via, std::string(id.text), port == text_port ? default_port(via) : port};
}

}  // namespace agw::h248
