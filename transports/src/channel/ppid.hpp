// SCTP payload protocol identifiers of WebRTC (RFC 8831, section 8; the deprecated ones of its registry, 6.6).
#pragma once

#include <cstdint>

#include "agw/core/pipe.hpp"

namespace agw::sctp::ppid {

inline constexpr std::uint32_t dcep = 50;
inline constexpr std::uint32_t text = 51;
inline constexpr std::uint32_t binary_partial = 52;  // deprecated
inline constexpr std::uint32_t binary = 53;
inline constexpr std::uint32_t text_partial = 54;    // deprecated
inline constexpr std::uint32_t text_empty = 56;
inline constexpr std::uint32_t binary_empty = 57;

inline constexpr std::uint32_t of(message_kind kind, bool empty) noexcept {
  if (kind == message_kind::text) return empty ? text_empty : text;
  return empty ? binary_empty : binary;
}

}  // namespace agw::sctp::ppid
