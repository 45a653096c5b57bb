#include "text/reader.hpp"

#include <cstring>

#include <agw/h248/ascii.hpp>

namespace agw::h248::text {

namespace {
constexpr std::size_t max_name_chars = 64;
}

void reader::skip_comments() {
  for (;;) {
    while (at_ != end_ && is(*at_, white)) ++at_;
    if (at_ == end_ || *at_ != ';') return;
    while (at_ != end_ && *at_ != '\n' && *at_ != '\r') ++at_;
  }
}

bool reader::separator() {
  const char* from = at_;
  skip();
  return at_ != from || fail("white space");
}

bool reader::name(std::string_view& out, std::string_view expected) {
  const std::size_t where = offset();
  if (at_ == end_ || !is(*at_, name_start)) return fail(expected);
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
  const char* from = at_;
  const char* limit = end_ - at_ > 10 ? at_ + 10 : end_;
  std::uint64_t n = 0;
  for (; at_ != limit; ++at_) {
    const auto digit_value = static_cast<unsigned>(*at_ - '0');
    if (digit_value > 9) break;
    n = n * 10 + digit_value;
  }
  const bool good = at_ != from && n <= max && (at_ != limit || at_ == end_ || !is(*at_, digit));
  if (!good) return fail(level, expected, static_cast<std::size_t>(from - begin_));
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
  const char* from = at_;
  while (at_ != end_ && is(*at_, quotable)) ++at_;
  if (at_ == end_ || *at_ != '"') {
    fail("'\"' at the end of the string");
    // Whoever looks for the end of this command is not to take the closing quote for an opening one.
    while (at_ != end_ && *at_++ != '"') {
    }
    return false;
  }
  out = {from, static_cast<std::size_t>(at_ - from)};
  ++at_;
  return true;
}

bool reader::one_value(value& out) {
  if (peek() == '"') {
    out.quoted = true;
    return quoted(out.text);
  }
  const char* from = at_;
  while (at_ != end_ && is(*at_, safe)) ++at_;
  if (at_ == from) return fail("a value");
  out = {{from, static_cast<std::size_t>(at_ - from)}, false};
  return true;
}

bool reader::termination(termination_id& out) {
  const char* from = at_;
  if (at_ != end_ && (*at_ == '$' || *at_ == '*')) ++at_;
  const bool wild = at_ != from;
  if (at_ != end_ && is(*at_, name_start) && !(wild && *from == '$')) {
    while (at_ != end_ && is(*at_, path_part)) ++at_;
    if (at_ != end_ && *at_ == '@') {
      ++at_;
      const char* domain = at_;
      while (at_ != end_ && (is(*at_, digit | name_start) || *at_ == '*' || *at_ == '-' || *at_ == '.')) ++at_;
      if (at_ == domain || *domain == '-' || *domain == '.') return fail("a domain behind '@'");
    }
  } else if (!wild) {
    return fail("a TerminationID");
  }
  out.name = {from, static_cast<std::size_t>(at_ - from)};
  if (out.name.size() > max_name_chars) {
    at_ = from;
    return fail("a TerminationID of at most 64 characters");
  }
  return true;
}

bool reader::time(time_stamp& out) {
  const auto eight = [](const char* from, std::uint32_t& n) {
    bool good = true;
    for (int i = 0; i < 8; ++i) {
      const auto digit_value = static_cast<unsigned>(from[i] - '0');
      good = good && digit_value <= 9;
      n = n * 10 + digit_value;
    }
    return good;
  };
  out = {};
  const bool good = end_ - at_ >= 17 && eight(at_, out.date) && (at_[8] == 'T' || at_[8] == 't') && eight(at_ + 9, out.time);
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
    // Whoever looks for the end of this command goes on at the brace, behind what is not H.248's.
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
  const char* from = at_;
  while (at_ != end_ && is(*at_, digit | name_start)) ++at_;
  if (at_ == from || at_ - from > 6) return fail("1 to 6 letters and digits behind 'X-'");
  out = {x.data(), static_cast<std::size_t>(at_ - x.data())};
  return true;
}

std::string_view reader::hex_digits() {
  const char* from = at_;
  while (at_ != end_ && is(*at_, hex)) ++at_;
  return {from, static_cast<std::size_t>(at_ - from)};
}

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
      skip_comments();
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
