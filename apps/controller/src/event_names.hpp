// The events of the profile that more than one place asks for.
#pragma once

#include "agw/h248/ids.hpp"

namespace agw::controller {

inline constexpr const char* channel_change = "dcep/chg";
inline constexpr const char* consent_failure = "stnconfres/fail";

constexpr bool is_channel_change(h248::item_name name) noexcept { return name.is(channel_change); }
constexpr bool is_consent_failure(h248::item_name name) noexcept { return name.is(consent_failure); }

}  // namespace agw::controller
