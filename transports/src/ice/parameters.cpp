#include "agw/transports/ice_parameters.hpp"

#include <algorithm>
#include <charconv>
#include <new>

#include <openssl/rand.h>
#include <boost/asio/ip/address.hpp>

#include "agw/transports/error.hpp"

namespace agw::ice {

namespace {

constexpr std::string_view ice_chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string random_ice_chars(std::size_t count) {
  std::string out(count, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  if (RAND_bytes(bytes, static_cast<int>(count)) != 1) throw std::bad_alloc();  // only a broken OpenSSL installation gets here
  for (auto& c : out) c = ice_chars[static_cast<unsigned char>(c) % ice_chars.size()];
  return out;
}

bool all_ice_chars(std::string_view s) noexcept { return s.find_first_not_of(ice_chars) == std::string_view::npos; }

// The next word behind single spaces; empty at the end.
std::string_view next_word(std::string_view& rest) noexcept {
  const auto end = std::min(rest.find(' '), rest.size());
  const auto word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

template <class T>
std::optional<T> number(std::string_view s) noexcept {
  T value{};
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  return value;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

constexpr std::pair<std::string_view, candidate_type> types[] = {{"host", candidate_type::host},
                                                                {"srflx", candidate_type::server_reflexive},
                                                                {"prflx", candidate_type::peer_reflexive},
                                                                {"relay", candidate_type::relayed}};

std::optional<candidate_type> type_of(std::string_view word) noexcept {
  for (const auto& [name, type] : types) {
    if (word == name) return type;
  }
  return std::nullopt;
}

std::string_view word_of(candidate_type type) noexcept {
  for (const auto& [name, known] : types) {
    if (type == known) return name;
  }
  return "host";
}

}  // namespace

credentials make_credentials() {
  credentials c;
  c.ufrag = random_ice_chars(8);
  c.pwd = random_ice_chars(24);
  return c;
}

bool valid(const credentials& c) noexcept {
  return c.ufrag.size() >= 4 && c.ufrag.size() <= 256 && c.pwd.size() >= 22 && c.pwd.size() <= 256 && all_ice_chars(c.ufrag) &&
         all_ice_chars(c.pwd);
}

std::uint32_t candidate_priority(candidate_type type, std::uint16_t local_preference) noexcept {
  constexpr std::uint32_t component = 1;
  std::uint32_t preference = 126;  // RFC 8445, 5.1.2.2
  switch (type) {
    case candidate_type::host: preference = 126; break;
    case candidate_type::peer_reflexive: preference = 110; break;
    case candidate_type::server_reflexive: preference = 100; break;
    case candidate_type::relayed: preference = 0; break;
  }
  return (preference << 24) + (std::uint32_t{local_preference} << 8) + (256 - component);
}

result<std::optional<candidate>> parse_candidate(std::string_view value) {
  const error_code malformed = transport_error::bad_candidate;
  if (value.starts_with("candidate:")) value.remove_prefix(10);
  const auto foundation = next_word(value);
  const auto component = number<std::uint16_t>(next_word(value));
  const auto transport = next_word(value);
  const auto priority = number<std::uint32_t>(next_word(value));
  const auto address = next_word(value);
  const auto port = number<std::uint16_t>(next_word(value));
  const auto keyword = next_word(value);
  const auto type = next_word(value);
  if (foundation.empty() || foundation.size() > 32 || !all_ice_chars(foundation)) return malformed;
  if (!component || *component == 0 || *component > 256 || transport.empty()) return malformed;
  if (!priority || *priority == 0 || address.empty() || !port || keyword != "typ" || type.empty()) return malformed;

  error_code not_numeric;
  const auto ip = asio::ip::make_address(std::string(address), not_numeric);
  const auto known_type = type_of(type);
  const bool usable = !not_numeric && !ip.is_unspecified() && !ip.is_multicast() && *port != 0;
  if (*component != 1 || !equal_ignoring_case(transport, "UDP") || !known_type || !usable) return std::optional<candidate>();
  candidate c;
  c.foundation = foundation;
  c.priority = *priority;
  c.address = udp::endpoint(ip, *port);
  c.type = *known_type;
  return std::optional<candidate>(std::move(c));
}

std::string format_candidate(const candidate& c) {
  auto out = c.foundation + " 1 UDP " + std::to_string(c.priority) + ' ' + c.address.address().to_string() + ' ' +
             std::to_string(c.address.port()) + " typ " + std::string(word_of(c.type));
  if (c.related) out += " raddr " + c.related->address().to_string() + " rport " + std::to_string(c.related->port());
  return out;
}

}  // namespace agw::ice
