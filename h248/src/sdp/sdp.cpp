#include <agw/h248/sdp.hpp>

#include <algorithm>
#include <charconv>
#include <ostream>
#include <stdexcept>
#include <utility>

#include <agw/h248/ascii.hpp>

#include "sdp/words.hpp"

namespace agw::h248 {
namespace {

// A "$" between these stands for a whole value.
bool separates(char c) noexcept { return c == ' ' || c == ':' || c == '=' || c == ';' || c == '/' || c == ','; }

std::optional<std::size_t> choose_at(std::string_view value) noexcept {
  bool inside = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') inside = !inside;
    if (value[i] != '$' || inside) continue;
    if ((i == 0 || separates(value[i - 1])) && (i + 1 == value.size() || separates(value[i + 1]))) return i;
  }
  return std::nullopt;
}

std::optional<choosable> port_or_choose(std::string_view text) {
  if (text == "$") return choosable::dollar();
  const auto n = sdp_words::number(text, 65535);
  if (!n) return std::nullopt;
  return choosable::of(*n);
}

std::optional<std::uint64_t> size_of(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

// What should have stood there; empty if the line is fine.
std::string_view complaint(const sdp_line& line) {
  if (line.type == 'c') return sdp_connection::parse(line.value) ? "" : "IN IP4 or IN IP6 and an address of that family";
  if (line.type == 'm') return sdp_media::parse(line.value) ? "" : "media, port, protocol, formats";
  if (line.type != 'a') return "";
  const std::string_view name = line.name(), value = line.argument();
  if (iequals(name, "setup")) return parse_setup(value) ? "" : "active, passive, actpass or holdconn";
  if (iequals(name, "fingerprint")) return sdp_fingerprint::parse(value) ? "" : "a hash and its value";
  // An unusable a=candidate is passed over (RFC 8839 5.1): candidates() leaves it out.
  if (iequals(name, "sctp-port")) return port_or_choose(value) ? "" : "a port";
  if (iequals(name, "max-message-size")) return value == "$" || size_of(value) ? "" : "a size";
  if (iequals(name, "dcmap")) return sdp_dcmap::parse(value) ? "" : "a data channel id and its options";
  if (iequals(name, "dcsa")) return sdp_dcsa::parse(value) ? "" : "a data channel id and an attribute";
  if (iequals(name, "ice-ufrag") || iequals(name, "ice-pwd") || iequals(name, "path")) return value.empty() ? "a value" : "";
  return "";
}

}  // namespace

std::string sdp_error::to_text() const { return "line " + std::to_string(line) + " '" + text + "': expected " + expected; }

std::ostream& operator<<(std::ostream& out, const sdp_error& e) { return out << e.to_text(); }

void throw_exception_from_error(const sdp_error& e, const boost::source_location&) { throw std::invalid_argument(e.to_text()); }

bool sdp_line::has_choose() const noexcept { return choose_at(value).has_value(); }

std::string_view sdp_line::name() const noexcept { return std::string_view(value).substr(0, value.find(':')); }

std::string_view sdp_line::argument() const noexcept {
  const auto colon = value.find(':');
  return colon == std::string::npos ? std::string_view{} : std::string_view(value).substr(colon + 1);
}

sdp_result<std::vector<sdp>> sdp::parse(std::string_view octets) {
  std::vector<sdp> all;
  bool media_seen = false;
  for (std::size_t number = 1; !octets.empty(); ++number) {
    const auto end = std::ranges::find_if(octets, [](char c) { return c == '\r' || c == '\n'; });
    std::string_view text(octets.begin(), end);
    octets.remove_prefix(text.size());
    octets.remove_prefix(octets.starts_with("\r\n") ? 2 : octets.empty() ? 0 : 1);
    if (text.find_first_not_of(" \t") == std::string_view::npos) continue;
    while (text.back() == ' ' || text.back() == '\t') text.remove_suffix(1);
    const auto wrong = [&](std::string_view expected) {
      return sdp_error{number, std::string(text.substr(0, 80)), std::string(expected)};
    };
    if (text.size() < 2 || text[1] != '=' || !ascii_alpha(text[0])) return wrong("a letter and '='");
    sdp_line line{ascii_lower(text[0]), std::string(text.substr(2))};
    if (all.empty() || line.type == 'v') {
      all.emplace_back();
      media_seen = false;
    }
    if (line.type == 'm' && std::exchange(media_seen, true)) return wrong("one m= line for each session description");
    if (const auto expected = complaint(line); !expected.empty()) return wrong(expected);
    all.back().lines_.push_back(std::move(line));
  }
  return all;
}

sdp_result<sdp> sdp::parse_one(std::string_view octets) {
  auto all = parse(octets);
  if (!all) return all.error();
  if (all->empty()) return sdp{};
  return std::move(all->front());
}

std::string sdp::to_text() const {
  std::string out;
  for (const auto& line : lines_) {
    out += line.type;
    out += '=';
    // A value must not add a line of its own.
    for (const char c : line.value) out += c == '\n' || c == '\r' ? ' ' : c;
    out += '\n';
  }
  return out;
}

std::string to_text(const std::vector<sdp>& alternatives) {
  std::string out;
  for (const auto& one : alternatives) {
    const bool starts = !one.empty() && one.lines().front().type == 'v';
    if (alternatives.size() > 1 && !starts) out += "v=0\n";
    out += one.to_text();
  }
  return out;
}

bool sdp::has_choose() const noexcept {
  return std::ranges::any_of(lines_, [](const sdp_line& line) { return line.has_choose(); });
}

std::optional<sdp_connection> sdp::connection() const {
  std::optional<sdp_connection> found;
  for (const auto& line : lines_) {
    if (line.type == 'c') found = sdp_connection::parse(line.value);
  }
  return found;
}

std::optional<sdp_media> sdp::media() const {
  for (const auto& line : lines_) {
    if (line.type == 'm') return sdp_media::parse(line.value);
  }
  return std::nullopt;
}

std::optional<std::string_view> sdp::attribute(std::string_view name) const noexcept {
  for (const auto& line : lines_) {
    if (line.type == 'a' && iequals(line.name(), name)) return line.argument();
  }
  return std::nullopt;
}

std::vector<std::string_view> sdp::attributes(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& line : lines_) {
    if (line.type == 'a' && iequals(line.name(), name)) found.push_back(line.argument());
  }
  return found;
}

std::optional<setup_role> sdp::setup() const {
  const auto text = attribute("setup");
  return text ? parse_setup(*text) : std::nullopt;
}

namespace {
template <class T>
std::vector<T> parsed(const std::vector<std::string_view>& texts) {
  std::vector<T> all;
  for (const auto text : texts) {
    if (auto one = T::parse(text)) all.push_back(std::move(*one));
  }
  return all;
}
}  // namespace

std::vector<sdp_fingerprint> sdp::fingerprints() const { return parsed<sdp_fingerprint>(attributes("fingerprint")); }
std::vector<sdp_candidate> sdp::candidates() const { return parsed<sdp_candidate>(attributes("candidate")); }
std::vector<sdp_dcmap> sdp::dcmaps() const { return parsed<sdp_dcmap>(attributes("dcmap")); }
std::vector<sdp_dcsa> sdp::dcsas() const { return parsed<sdp_dcsa>(attributes("dcsa")); }

bool sdp::asks_for_candidates() const noexcept {
  return std::ranges::any_of(lines_, [](const sdp_line& line) {
    return line.type == 'a' && iequals(line.name(), "candidate") && line.argument() == "$";
  });
}

std::optional<choosable> sdp::sctp_port() const {
  const auto text = attribute("sctp-port");
  return text ? port_or_choose(*text) : std::nullopt;
}

std::optional<std::uint64_t> sdp::max_message_size() const {
  const auto text = attribute("max-message-size");
  return text ? size_of(*text) : std::nullopt;
}

std::optional<std::string> sdp::dcsa(const choosable& id, std::string_view attribute) const {
  for (auto& one : dcsas()) {
    if (one.id == id && iequals(one.attribute, attribute)) return std::move(one.value);
  }
  return std::nullopt;
}

}  // namespace agw::h248
