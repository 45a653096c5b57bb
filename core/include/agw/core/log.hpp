// The log facade over spdlog: one line an event, to standard error.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

namespace agw::log {

using spdlog::critical;
using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::trace;
using spdlog::warn;

/// Text of a peer, for a line of the log: octets other than printable ASCII, and the backslash, as \xHH; cut behind `max_bytes` with "…",
/// so that it ends in no line of its own and fills no disk.
std::string printable(std::string_view text, std::size_t max_bytes = 256);

/// How a line of the log looks; its message holds no control characters, whatever was logged.
std::unique_ptr<spdlog::formatter> line_formatter();

/// Sets the pattern and the level: trace, debug, info, warn, error or off. False for another word.
bool configure(std::string_view level);

}  // namespace agw::log
