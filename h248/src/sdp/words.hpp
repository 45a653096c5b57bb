// Splitting SDP values at spaces.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace agw::h248::sdp_words {

// Takes the first word off `text`, and the spaces behind it.
inline std::string_view take_word(std::string_view& text) noexcept {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return word;
}

// Decimal digits only, at most `max`.
inline std::optional<std::uint32_t> number(std::string_view text, std::uint32_t max) noexcept {
  std::uint32_t n = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || failed != std::errc{} || end != text.data() + text.size() || n > max) return std::nullopt;
  return n;
}

}  // namespace agw::h248::sdp_words
