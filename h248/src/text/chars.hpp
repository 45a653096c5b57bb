// Character classes of the text encoding, as bits of one table. NUL is in none of them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace agw::h248::text {

enum char_class : std::uint16_t {
  white = 1,       // SP, HTAB, CR, LF
  digit = 2,
  hex = 4,
  name_start = 8,  // ALPHA
  name_part = 16,  // ALPHA, DIGIT, "_"
  safe = 32,       // SafeChar and 8-bit
  path_part = 64,  // of a path name (a termination id) behind its first letter
  quotable = 128,  // inside a quoted string
  gap = 256,       // begins LWSP: white, or the ';' of a comment
  dash_dot = 512,  // '-' and '.': not in the grammar of names, but in names that equipment is given
};

constexpr std::array<std::uint16_t, 256> make_char_table() {
  std::array<std::uint16_t, 256> t{};
  const auto mark = [&t](std::string_view chars, unsigned bits) {
    for (const char c : chars) {
      auto& at = t[static_cast<unsigned char>(c)];
      at = static_cast<std::uint16_t>(at | bits);
    }
  };
  for (int c = 0x80; c < 0x100; ++c) t[static_cast<std::size_t>(c)] = safe | quotable;
  for (char c = 'a'; c <= 'z'; ++c) mark({&c, 1}, name_start | name_part | safe | path_part | quotable);
  for (char c = 'A'; c <= 'Z'; ++c) mark({&c, 1}, name_start | name_part | safe | path_part | quotable);
  mark("0123456789", digit | hex | name_part | safe | path_part | quotable);
  mark("abcdefABCDEF", hex);
  mark("_", name_part | safe | path_part | quotable);
  mark("+-&!/'?@^`~*$\\()%|.", safe | quotable);
  mark("/*$", path_part);
  mark("-.", dash_dot);
  mark(";[]{}:,#<>=", quotable);
  mark(" \t\r\n", white | quotable);
  mark(" \t\r\n;", gap);
  return t;
}

inline constexpr std::array<std::uint16_t, 256> char_table = make_char_table();

constexpr bool is(char c, unsigned classes) noexcept { return (char_table[static_cast<unsigned char>(c)] & classes) != 0; }

}  // namespace agw::h248::text
