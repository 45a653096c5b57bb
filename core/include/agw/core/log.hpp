// The log facade over spdlog: one line an event, to standard error.
#pragma once

#include <string_view>

#include <spdlog/spdlog.h>

namespace agw::log {

using spdlog::critical;
using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::trace;
using spdlog::warn;

/// Sets the pattern and the level: trace, debug, info, warn, error or off. False for another word.
bool configure(std::string_view level);

}  // namespace agw::log
