// Character classes of RFC 4975's grammar, without locale.
#pragma once

#include <algorithm>
#include <string_view>

namespace agw::msrp {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
constexpr bool is_alpha(char c) noexcept { return is_upper(c) || (c >= 'a' && c <= 'z'); }
constexpr bool is_alnum(char c) noexcept { return is_digit(c) || is_alpha(c); }
constexpr char to_lower(char c) noexcept { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }

// A look-up for each octet, where a chain of comparisons has a branch for each range.
class char_class {
 public:
  constexpr explicit char_class(bool (*has)(char) noexcept) noexcept {
    for (int c = 0; c < 256; ++c) has_[c] = has(static_cast<char>(c));
  }
  // True of nothing. Looks at all of it, for what is looked at is short and nearly always good.
  constexpr bool all_of(std::string_view text) const noexcept {
    bool all = true;
    for (const char c : text) all &= has_[static_cast<unsigned char>(c)];
    return all;
  }

 private:
  bool has_[256] = {};
};

inline constexpr char_class token_chars([](char c) noexcept {
  return c == 0x21 || (c >= 0x23 && c <= 0x27) || c == 0x2A || c == 0x2B || c == 0x2D || c == 0x2E || is_alnum(c) || (c >= 0x5E && c <= 0x7E);
});

constexpr bool is_token(std::string_view text) noexcept { return !text.empty() && token_chars.all_of(text); }

constexpr bool equal_nocase(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

}  // namespace agw::msrp
