// Whether octets are text.
#pragma once

#include <string_view>

namespace agw {

/// RFC 3629, 4: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

}  // namespace agw
