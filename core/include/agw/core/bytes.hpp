// Conversions between octets as bytes (for pipes) and as text (for parsers).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace agw {

using bytes_view = std::span<const std::byte>;

/// The same octets, seen as text. The view lives as long as `bytes` does.
inline std::string_view as_text(bytes_view bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The same octets, seen as bytes. The view lives as long as `text` does.
inline bytes_view as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace agw
