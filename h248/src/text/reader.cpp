#include "text/reader.hpp"

#include <bit>
#include <cstring>

#include <agw/h248/ascii.hpp>

namespace agw::h248::text {

namespace {
constexpr std::size_t max_name_chars = 64;

// Eight digits at once: the octets of a word are added up to pairs, these to fours, and these to the number.
bool eight_digits(const char* from, std::uint32_t& n) noexcept {
  std::uint64_t v;
  std::memcpy(&v, from, sizeof(v));
  if constexpr (std::endian::native == std::endian::big) v = __builtin_bswap64(v);
  v -= 0x3030303030303030;
  if (((v | (v + 0x7676767676767676)) & 0x8080808080808080) != 0) return false;
  v = (v * 10 + (v >> 8)) & 0x00FF00FF00FF00FF;
  v = (v * 100 + (v >> 16)) & 0x0000FFFF0000FFFF;
  n = static_cast<std::uint32_t>(v * 10000 + (v >> 32));
  return true;
}
}

void reader::skip_gap() {
  for (;;) {
    run(white);
    if (*at_ != ';') return;
    while (at_ != end_ && *at_ != '\n' && *at_ != '\r') ++at_;
  }
}

bool reader::separator() {
  const char* from = at_;
  skip();
  return at_ != from || fail("white space");
}

bool reader::take_end() {
  skip();
  const char* to = at_;
  while (to != end_ && (*to == '\0' || is(*to, white))) ++to;
  if (to != end_) return false;
  if (at_ != end_) deviate(deviation::end, offset());
  at_ = end_;
  return true;
}

bool reader::name(std::string_view& out, std::string_view expected) {
  const std::size_t where = offset();
  if (!is(*at_, name_start)) return fail(expected);
  out = word();
  return out.size() <= max_name_chars || fail(level, "a name of at most 64 characters", where);
}

bool reader::item_after(std::string_view package, item_name& out) {
  const auto where = static_cast<std::size_t>(package.data() - begin_);
  if (package.empty() || !is(package.front(), name_start)) return fail(level, "a package name", where);
  if (package.size() > max_name_chars) return fail(level, "a name of at most 64 characters", where);
  if (!take_glued('/')) return fail("'/' behind the package name");
  out.package = package;
  if (peek() == '*') {
    out.item = {at_++, 1};
    return true;
  }
  return name(out.item, "an item name or '*'");
}

bool reader::item(item_name& out) {
  if (peek() != '*') return item_after(word(), out);
  out.package = {at_++, 1};
  if (!take_glued('/')) return fail("'/' behind '*'");
  if (peek() != '*') return fail("'*' behind '*/'");
  out.item = {at_++, 1};
  return true;
}

bool reader::number(std::uint32_t& out, std::uint32_t max, std::string_view expected) {
  constexpr std::ptrdiff_t most_digits = 10;
  const char* const from = at_;
  const char* to = from;
  std::uint64_t n = 0;
  for (; is(*to, digit); ++to) n = n * 10 + static_cast<std::uint64_t>(*to - '0');
  at_ = to;
  if (to == from || to - from > most_digits || n > max) return fail(level, expected, static_cast<std::size_t>(from - begin_));
  out = static_cast<std::uint32_t>(n);
  return true;
}

bool reader::uint16(std::uint16_t& out, std::string_view expected) {
  std::uint32_t n = 0;
  if (!number(n, 65535, expected)) return false;
  out = static_cast<std::uint16_t>(n);
  return true;
}

bool reader::quoted(std::string_view& out) {
  if (!take_glued('"')) return fail("a quoted string");
  const std::string_view inside = run(quotable);
  if (*at_ != '"') {
    fail("'\"' at the end of the string");
    // The search for the end of this command must not take the closing quote for an opening one.
    while (at_ != end_ && *at_++ != '"') {
    }
    return false;
  }
  out = inside;
  ++at_;
  return true;
}

bool reader::one_value(value& out) {
  if (peek() == '"') {
    out.quoted = true;
    return quoted(out.text);
  }
  const std::string_view text = run(safe);
  if (text.empty()) return fail("a value");
  out = {text, false};
  return true;
}

bool reader::path_name(std::string_view& out, deviation d, std::string_view expected) {
  const char* const from = at_;
  if (*at_ == '$' || *at_ == '*') ++at_;
  const bool wild = at_ != from;
  if (is(*at_, name_start | digit) && !(wild && *from == '$')) {
    const bool number = is(*at_, digit);
    run(path_part);
    if (number || is(*at_, dash_dot)) {
      deviate(d, static_cast<std::size_t>(from - begin_));
      run(path_part | dash_dot);
    }
    if (*at_ == '@') {
      ++at_;
      if (!is(*at_, digit | name_start) && *at_ != '*') return fail("a domain behind '@'");
      domain("*");
    }
  } else if (!wild) {
    return fail(expected);
  }
  out = {from, static_cast<std::size_t>(at_ - from)};
  if (out.size() > max_name_chars) {
    at_ = from;
    return fail(d == deviation::termination ? "a TerminationID of at most 64 characters" : "a name of at most 64 characters");
  }
  return true;
}

void reader::domain(std::string_view extra) {
  for (;; ++at_) {
    if (*at_ == '_') {
      deviate(deviation::domain_name, offset());
    } else if (!is(*at_, digit | name_start | dash_dot) && (*at_ == '\0' || extra.find(*at_) == std::string_view::npos)) {
      return;
    }
  }
}

bool reader::digit_map_name(std::string_view& out) {
  const char* const from = at_;
  const std::size_t where = offset();
  if (!is(*at_, name_start | digit)) return fail("a digit map name or '{'");
  run(name_part);
  if (is(*from, digit) || is(*at_, dash_dot)) {
    deviate(deviation::digit_map_name, where);
    run(name_part | dash_dot);
  }
  out = {from, static_cast<std::size_t>(at_ - from)};
  return out.size() <= max_name_chars || fail(level, "a name of at most 64 characters", where);
}

bool reader::time(time_stamp& out) {
  const bool good = end_ - at_ >= 17 && eight_digits(at_, out.date) && (at_[8] == 'T' || at_[8] == 't') && eight_digits(at_ + 9, out.time);
  if (!good) return fail("a time: 8 digits, T, 8 digits");
  at_ += 17;
  return true;
}

bool reader::octets(std::string_view& out, bool& escaped) {
  const char* from = at_;
  escaped = false;
  for (;; ++at_) {
    const auto left = static_cast<std::size_t>(end_ - at_);
    const auto* brace = left == 0 ? nullptr : static_cast<const char*>(std::memchr(at_, '}', left));
    at_ = brace == nullptr ? end_ : brace;
    if (brace == nullptr || brace == from || brace[-1] != '\\') break;
    escaped = true;
  }
  if (const auto size = static_cast<std::size_t>(at_ - from); size != 0) {
    // The search for the end of this command goes on at the brace, after the octets that are not H.248's.
    if (const void* nul = std::memchr(from, 0, size)) {
      return fail(level, "text without NUL", static_cast<std::size_t>(static_cast<const char*>(nul) - begin_));
    }
  }
  if (at_ == end_) return fail("'}' at the end of the session description");
  const char* to = at_;
  while (to != from && is(to[-1], white)) --to;
  out = {from, static_cast<std::size_t>(to - from)};
  return close();
}

bool reader::extension_after(std::string_view x, std::string_view& out) {
  if (!iequals(x, "X") || (peek() != '-' && peek() != '+')) {
    back_to(x);
    return fail("a known word, or X- and a name");
  }
  ++at_;
  const auto name = run(digit | name_start);
  if (name.empty() || name.size() > 6) return fail("1 to 6 letters and digits behind 'X-'");
  out = {x.data(), static_cast<std::size_t>(at_ - x.data())};
  return true;
}

std::string_view reader::hex_digits() { return run(hex); }

bool reader::hex_number(std::size_t n, std::uint32_t& out) {
  const std::string_view digits = hex_digits();
  if (digits.size() != n) return fail("8 hexadecimal digits");
  out = 0;
  for (const char c : digits) {
    const auto low = static_cast<unsigned>(ascii_digit(c) ? c - '0' : ascii_lower(c) - 'a' + 10);
    out = out * 16 + low;
  }
  return true;
}

bool reader::skip_to_depth(int depth) {
  // The word before a brace, where a descriptor may stand: after Local and Remote everything up to '}' is octets.
  std::string_view last;
  bool may_begin = false;
  while (at_ != end_) {
    const char c = *at_;
    if (is(c, white)) {
      ++at_;
      continue;
    }
    if (c == ';') {
      skip_gap();
      continue;
    }
    if (is(c, name_part)) {
      const auto read = word();
      last = may_begin ? read : std::string_view();
      may_begin = false;
      continue;
    }
    ++at_;
    if (c == '"') {
      while (at_ != end_ && *at_ != '"') ++at_;
      if (at_ != end_) ++at_;
    } else if (c == '{') {
      ++depth_;
      if (iequals(last, "Local") || iequals(last, "L") || iequals(last, "Remote") || iequals(last, "R")) {
        for (const char* from = at_; at_ != end_ && (*at_ != '}' || (at_ != from && at_[-1] == '\\'));) ++at_;
      }
    } else if (c == '}' && --depth_ <= depth) {
      skip();
      return depth_ == depth;
    }
    last = {};
    may_begin = c == '{' || c == ',';
  }
  return false;
}

}  // namespace agw::h248::text
