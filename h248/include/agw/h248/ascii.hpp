// The case rules of H.248 text in one place: names, termination ids and unquoted values compare without case, and only
// ASCII letters have case (H.248.1 Annex B.2). Quoted strings and SDP compare byte by byte: use == for those.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace agw::h248 {

constexpr char ascii_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool ascii_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool ascii_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool ascii_hex(char c) noexcept { return ascii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Equal but for ASCII case.
constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  }
  return true;
}

constexpr bool istarts_with(std::string_view text, std::string_view prefix) noexcept {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

// For ordered and hashed containers keyed by such names; transparent, so a std::string_view looks up a std::string key.
struct iless {
  using is_transparent = void;
  constexpr bool operator()(std::string_view a, std::string_view b) const noexcept {
    const std::size_t n = a.size() < b.size() ? a.size() : b.size();
    for (std::size_t i = 0; i < n; ++i) {
      const auto x = static_cast<unsigned char>(ascii_lower(a[i]));
      const auto y = static_cast<unsigned char>(ascii_lower(b[i]));
      if (x != y) return x < y;
    }
    return a.size() < b.size();
  }
};

struct iequal_to {
  using is_transparent = void;
  constexpr bool operator()(std::string_view a, std::string_view b) const noexcept { return iequals(a, b); }
};

struct ihash {
  using is_transparent = void;
  constexpr std::size_t operator()(std::string_view text) const noexcept {
    std::uint64_t h = 0xcbf29ce484222325u;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(ascii_lower(c))) * 0x100000001b3u;
    return static_cast<std::size_t>(h);
  }
};

}  // namespace agw::h248
