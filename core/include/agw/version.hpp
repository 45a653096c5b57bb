// The version of agw.
#pragma once

#include <string_view>

namespace agw {

inline constexpr std::string_view version = "0.1.0";

/// The commit that the build was configured from; "unknown" outside a repository.
std::string_view commit() noexcept;

}  // namespace agw
