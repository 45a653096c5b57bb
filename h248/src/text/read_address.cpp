// Message ids: IP addresses, domain names, MTP addresses, device names.

#include <agw/h248/ascii.hpp>

#include "text/reader.hpp"

namespace agw::h248::text {
namespace {

bool valid_ip4(std::string_view text) noexcept {
  unsigned dots = 0;
  unsigned digits = 0;
  unsigned n = 0;
  for (const char c : text) {
    if (ascii_digit(c)) {
      n = n * 10 + static_cast<unsigned>(c - '0');
      if (++digits > 3 || n > 255) return false;
    } else {
      if (c != '.' || digits == 0) return false;
      ++dots;
      n = digits = 0;
    }
  }
  return dots == 3 && digits != 0;
}

// RFC 2373: groups of 1 to 4 digits, one "::" at most, an IPv4 address possibly last.
bool valid_ip6(std::string_view text) noexcept {
  int groups = 0;
  bool gap = false;
  if (text.starts_with("::")) {
    gap = true;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    std::size_t n = 0;
    while (n < text.size() && ascii_hex(text[n])) ++n;
    if (n < text.size() && text[n] == '.') {
      if (!valid_ip4(text)) return false;
      groups += 2;
      break;
    }
    if (n == 0 || n > 4) return false;
    ++groups;
    text.remove_prefix(n);
    if (text.empty()) break;
    if (text.starts_with("::")) {
      if (gap) return false;
      gap = true;
      text.remove_prefix(2);
    } else if (text[0] == ':' && text.size() > 1) {
      text.remove_prefix(1);
    } else {
      return false;
    }
  }
  return gap ? groups < 8 : groups == 8;
}

}  // namespace

bool reader::port(mid& out) {
  if (!take_glued(':')) return true;
  std::uint16_t number = 0;
  if (!uint16(number, "a port")) return false;
  out.port = number;
  return true;
}

bool reader::bracketed_address(mid& out) {
  ++at_;
  const char* from = at_;
  const char* to = from;
  bool ip6 = false;
  for (; is(*to, hex) || *to == ':' || *to == '.'; ++to) ip6 = ip6 || *to == ':';
  at_ = to;
  out.text = {from, static_cast<std::size_t>(to - from)};
  out.type = ip6 ? mid::form::ip6 : mid::form::ip4;
  if (!(ip6 ? valid_ip6(out.text) : valid_ip4(out.text))) {
    return fail(level, "an IP address in brackets", static_cast<std::size_t>(from - begin_));
  }
  if (!take_glued(']')) return fail("']' behind the address");
  return port(out);
}

bool reader::message_id(mid& out) {
  out = {};
  if (peek() == '[') return bracketed_address(out);
  if (peek() == '<') {
    ++at_;
    const char* from = at_;
    domain({});
    out.text = {from, static_cast<std::size_t>(at_ - from)};
    out.type = mid::form::domain;
    if (out.text.size() > 64 || !is(*from, digit | name_start)) {
      return fail(level, "a domain name of at most 64 characters", static_cast<std::size_t>(from - begin_));
    }
    if (!take_glued('>')) return fail("'>' behind the domain name");
    return port(out);
  }
  if (static_cast<std::size_t>(end_ - at_) >= 4 && iequals({at_, 3}, "MTP") && (at_[3] == '{' || is(at_[3], white))) {
    const char* from = at_;
    at_ += 3;
    if (next_is('{')) {
      open();
      out.text = hex_digits();
      out.type = mid::form::mtp;
      if (out.text.size() < 4 || out.text.size() > 8) return fail("4 to 8 hexadecimal digits");
      skip();
      if (!take_glued('}')) return fail("'}' behind the MTP address");
      --depth_;
      return true;
    }
    at_ = from;
  }
  if (peek() == '$') return fail("a message id");
  out.type = mid::form::device;
  return path_name(out.text, deviation::device_name, "a message id") && (out.text != "*" || fail("a message id"));
}

}  // namespace agw::h248::text
