// How a line of the log looks in each format.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <spdlog/formatter.h>

#include "agw/core/log.hpp"

namespace agw::log {

/// A line holds no control characters but its end, whatever was logged. `journal`: its priority stands before it.
std::unique_ptr<spdlog::formatter> line_formatter(format as, bool journal);

/// An entry of the journal's native protocol: PRIORITY, SYSLOG_IDENTIFIER, each fact as a field of its own ("call" as AGW_CALL), and the line as MESSAGE.
std::unique_ptr<spdlog::formatter> entry_formatter(format as);

/// The payload of record(): what is said, and the facts. Only a message from `record_source` is read like that.
inline constexpr char fact_separator = '\x1f';
extern const char* const record_source;

}  // namespace agw::log
