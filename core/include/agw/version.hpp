// The version of agw.
#pragma once

#include <string_view>

namespace agw {

inline constexpr std::string_view version = "0.1.0";

}  // namespace agw
