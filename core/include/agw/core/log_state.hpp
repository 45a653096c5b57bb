// Whether the log gets rid of its lines.
#pragma once

#include "agw/core/clock.hpp"

namespace agw::log {

/// For how long the next line has been waiting for a reader or a disk that takes it; zero: none is waiting. Any thread.
clock::duration blocked() noexcept;

}  // namespace agw::log
