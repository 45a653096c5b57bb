// The two sides of a call.
#pragma once

#include <cstdint>
#include <string_view>

namespace agw {

/// wic: the browser (TS 23.228, annex U: WebRTC IMS client) and its data channel. core: the IMS core and its TCP or TLS stream.
enum class side : std::uint8_t { wic, core };

constexpr side other(side s) noexcept { return s == side::wic ? side::core : side::wic; }
/// For log lines and error texts.
constexpr std::string_view name_of(side s) noexcept { return s == side::wic ? "the WIC" : "the core"; }

}  // namespace agw
