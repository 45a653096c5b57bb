#include <agw/h248/sdp_types.hpp>

#include <charconv>

#include <agw/h248/ascii.hpp>

#include "sdp/words.hpp"

namespace agw::h248 {

using sdp_words::number;
using sdp_words::take_word;

namespace {

std::optional<choosable> choosable_number(std::string_view text, std::uint32_t max) {
  if (text == "$") return choosable::dollar();
  const auto n = number(text, max);
  if (!n) return std::nullopt;
  return choosable::of(*n);
}

int hex_value(char c) noexcept {
  if (ascii_digit(c)) return c - '0';
  const char low = ascii_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// What stands between quotes, %-escapes resolved; nothing if it is malformed.
std::optional<std::string> unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (text[i] == '"') return std::nullopt;
      plain += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return std::nullopt;
    plain += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return plain;
}

std::string quote(std::string_view plain) {
  std::string out = "\"";
  for (const char c : plain) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '%') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += "0123456789ABCDEF"[byte >> 4];
      out += "0123456789ABCDEF"[byte & 15u];
    }
  }
  return out += '"';
}

}  // namespace

std::optional<sdp_connection> sdp_connection::parse(std::string_view text) {
  const auto net = take_word(text);
  const auto type = take_word(text);
  if (!iequals(net, "IN") || text.empty() || text.find(' ') != std::string_view::npos) return std::nullopt;
  if (type == "$" && text == "$") return sdp_connection{false, "$", true};
  if (!iequals(type, "IP4") && !iequals(type, "IP6")) return std::nullopt;
  const bool ip6 = iequals(type, "IP6");
  const bool colon = text.find(':') != std::string_view::npos;
  const bool dotted = text.find_first_not_of("0123456789./") == std::string_view::npos;
  if (ip6 ? dotted : colon) return std::nullopt;
  return sdp_connection{ip6, std::string(text), false};
}

std::string sdp_connection::to_text() const { return (any_family ? "IN $ " : ip6 ? "IN IP6 " : "IN IP4 ") + address; }

bool sdp_media::is_protocol(std::string_view name) const noexcept { return iequals(protocol, name); }

std::optional<sdp_media> sdp_media::parse(std::string_view text) {
  sdp_media m;
  m.type = take_word(text);
  std::string_view port = take_word(text);
  port = port.substr(0, port.find('/'));  // a number of ports is not used here
  const auto n = choosable_number(port, 65535);
  m.protocol = take_word(text);
  if (m.type.empty() || !n || m.protocol.empty()) return std::nullopt;
  m.port = *n;
  while (!text.empty()) m.formats.emplace_back(take_word(text));
  return m;
}

std::string sdp_media::to_text() const {
  std::string out = type + ' ' + port.to_text() + ' ' + protocol;
  for (const auto& format : formats) (out += ' ') += format;
  return out;
}

std::optional<setup_role> parse_setup(std::string_view text) noexcept {
  if (iequals(text, "active")) return setup_role::active;
  if (iequals(text, "passive")) return setup_role::passive;
  if (iequals(text, "actpass")) return setup_role::actpass;
  if (iequals(text, "holdconn")) return setup_role::holdconn;
  return std::nullopt;
}

std::string_view to_text(setup_role role) noexcept {
  static constexpr std::string_view words[] = {"active", "passive", "actpass", "holdconn"};
  return words[static_cast<std::size_t>(role)];
}

std::optional<sdp_fingerprint> sdp_fingerprint::parse(std::string_view text) {
  sdp_fingerprint f;
  for (const char c : take_word(text)) f.hash += ascii_lower(c);
  if (f.hash.empty() || text.empty()) return std::nullopt;
  for (std::size_t i = 0; i < text.size() && text != "$"; ++i) {
    if (i % 3 == 2 ? text[i] != ':' : hex_value(text[i]) < 0) return std::nullopt;
  }
  if (text != "$" && text.size() % 3 != 2) return std::nullopt;
  for (const char c : text) f.value += c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  return f;
}

std::string sdp_fingerprint::to_text() const { return hash + ' ' + value; }

bool sdp_candidate::is_udp() const noexcept { return iequals(transport, "UDP"); }

bool sdp_candidate::is_host_name() const noexcept {
  if (address.find(':') != std::string::npos) return false;
  return address.find_first_not_of("0123456789.") != std::string::npos;
}

std::optional<sdp_candidate> sdp_candidate::parse(std::string_view text) {
  sdp_candidate c;
  c.foundation = take_word(text);
  const auto component = number(take_word(text), 256);
  c.transport = take_word(text);
  const auto priority = number(take_word(text), 0xFFFFFFFFu);
  c.address = take_word(text);
  const auto port = number(take_word(text), 65535);
  const bool typ = take_word(text) == "typ";
  c.type = take_word(text);
  if (c.foundation.empty() || c.foundation.size() > 32 || !component || !priority || !port || !typ || c.type.empty()) {
    return std::nullopt;
  }
  c.component = *component;
  c.priority = *priority;
  c.port = static_cast<std::uint16_t>(*port);
  while (!text.empty()) {
    const auto name = take_word(text);
    const auto value = take_word(text);
    if (name == "raddr") {
      c.related_address = value;
    } else if (name == "rport") {
      const auto related = number(value, 65535);
      if (!related) return std::nullopt;
      c.related_port = static_cast<std::uint16_t>(*related);
    } else {
      if (!c.extensions.empty()) c.extensions += ' ';
      ((c.extensions += name) += ' ') += value;
    }
  }
  return c;
}

std::string sdp_candidate::to_text() const {
  std::string out = foundation + ' ' + std::to_string(component) + ' ' + transport + ' ' + std::to_string(priority) + ' ' +
                    address + ' ' + std::to_string(port) + " typ " + type;
  if (!related_address.empty()) out += " raddr " + related_address;
  if (related_port) out += " rport " + std::to_string(*related_port);
  if (!extensions.empty()) (out += ' ') += extensions;
  return out;
}

std::optional<sdp_dcmap> sdp_dcmap::parse(std::string_view text) {
  sdp_dcmap d;
  const auto id = choosable_number(take_word(text), 65535);
  if (!id) return std::nullopt;
  d.id = *id;
  while (!text.empty()) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
    // A ';' inside quotes belongs to the value.
    std::size_t end = 0;
    for (bool inside = false; end < text.size() && (inside || text[end] != ';'); ++end) inside ^= text[end] == '"';
    const std::string_view value = text.substr(0, end);
    text.remove_prefix(end < text.size() ? end + 1 : end);
    if (iequals(name, "subprotocol") || iequals(name, "label")) {
      auto plain = unquote(value);
      if (!plain) return std::nullopt;
      const bool label = iequals(name, "label");
      d.has_label = d.has_label || label;
      (label ? d.label : d.subprotocol) = std::move(*plain);
    } else if (iequals(name, "ordered")) {
      d.ordered = !iequals(value, "false");  // any other value means true
    } else if (iequals(name, "max-retr") || iequals(name, "max-time")) {
      const auto n = number(value, 0xFFFFFFFFu);
      if (!n) return std::nullopt;
      (iequals(name, "max-retr") ? d.max_retransmits : d.max_time_ms) = *n;
    } else if (iequals(name, "priority")) {
      const auto n = number(value, 65535);
      if (!n) return std::nullopt;
      d.priority = static_cast<std::uint16_t>(*n);
    }
  }
  if (d.max_retransmits && d.max_time_ms) return std::nullopt;
  return d;
}

std::string sdp_dcmap::to_text() const {
  std::string out = id.to_text();
  char before = ' ';
  const auto option = [&](std::string_view name, std::string_view value) {
    out += before;
    ((out += name) += '=') += value;
    before = ';';
  };
  if (!subprotocol.empty()) option("subprotocol", quote(subprotocol));
  if (has_label || !label.empty()) option("label", quote(label));
  if (!ordered) option("ordered", "false");
  if (max_retransmits) option("max-retr", std::to_string(*max_retransmits));
  if (max_time_ms) option("max-time", std::to_string(*max_time_ms));
  if (priority != 256) option("priority", std::to_string(priority));
  return out;
}

std::optional<sdp_dcsa> sdp_dcsa::parse(std::string_view text) {
  const auto id = choosable_number(take_word(text), 65535);
  if (!id || text.empty()) return std::nullopt;
  const auto colon = text.find(':');
  sdp_dcsa d{*id, std::string(text.substr(0, colon)), {}};
  if (colon != std::string_view::npos) d.value = text.substr(colon + 1);
  if (d.attribute.empty()) return std::nullopt;
  return d;
}

std::string sdp_dcsa::to_text() const {
  std::string out = id.to_text() + ' ' + attribute;
  if (!value.empty()) (out += ':') += value;
  return out;
}

}  // namespace agw::h248
