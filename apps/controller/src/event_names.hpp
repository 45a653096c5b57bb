// The events of the profile whose names have changed: what is asked for, and all that is understood.
#pragma once

#include "agw/h248/ids.hpp"

namespace agw::controller {

inline constexpr const char* channel_change = "dcc/chg";
inline constexpr const char* consent_failure = "stuncf/fail";

constexpr bool is_channel_change(h248::item_name name) noexcept { return name.is("dcep/chg") || name.is("dcc/chg"); }
constexpr bool is_consent_failure(h248::item_name name) noexcept { return name.is("stnconfres/fail") || name.is("stuncf/fail"); }

}  // namespace agw::controller
