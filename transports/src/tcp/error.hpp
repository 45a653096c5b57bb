// How errors of a TCP socket become failures of the stage.
#pragma once

#include <string_view>

#include "agw/core/awaitable.hpp"

namespace agw::tcp {

/// The word of the failure vocabulary.
std::string_view reason(const error_code& e) noexcept;
/// Throws stage_error "tcp", or operation_aborted as it is.
[[noreturn]] void fail(const error_code& e);

}  // namespace agw::tcp
