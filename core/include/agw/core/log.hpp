// The log facade over spdlog: one line an event, to standard error or a file. Whoever logs only queues the line: a thread of the log's own
// formats and writes it, so that a reader that hangs or a full disk never holds up a call. What does not fit into the queue is dropped, oldest
// first, and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <spdlog/spdlog.h>

#include "agw/core/clock.hpp"

namespace agw::log {

using spdlog::critical;
using spdlog::debug;
using spdlog::trace;
using level = spdlog::level::level_enum;

namespace detail {
/// A kind is a format string, by its address. Nothing: there were too many lines of it. Otherwise how many were left out before this one.
std::optional<std::uint64_t> admit(const char* kind);
void tell_left_out(level at, std::uint64_t lines, std::string_view kind);

template <class... A>
void write(level at, spdlog::format_string_t<A...> text, A&&... values) {
  auto* const to = spdlog::default_logger_raw();
  if (!to->should_log(at)) return;
  const spdlog::string_view_t kind = text;
  const auto left_out = admit(kind.data());
  if (!left_out) return;
  const auto line = fmt::format(text, std::forward<A>(values)...);
  to->log(at, spdlog::string_view_t(line));
  if (*left_out > 0) tell_left_out(at, *left_out, std::string_view(kind.data(), kind.size()));
}
}  // namespace detail

// Lines of one kind (one format string) are limited: 200 at once, then 20 a second; the next one says how many were left out.
template <class... A>
void info(spdlog::format_string_t<A...> text, A&&... values) {
  detail::write<A...>(level::info, text, std::forward<A>(values)...);
}
template <class... A>
void warn(spdlog::format_string_t<A...> text, A&&... values) {
  detail::write<A...>(level::warn, text, std::forward<A>(values)...);
}
template <class... A>
void error(spdlog::format_string_t<A...> text, A&&... values) {
  detail::write<A...>(level::err, text, std::forward<A>(values)...);
}

/// One fact of a line, by a name that machines look for: a member of the JSON object, a pair of logfmt, "name=value" behind the text.
struct fact {
  std::string_view name;  ///< lower-case letters and underscores
  std::string value;      ///< any text
};
/// A line of facts. Not limited: for what happens as often as there are calls.
void record(level at, std::string_view what, std::initializer_list<fact> facts);

/// Text of a peer, for a line of the log: octets other than printable ASCII, and the backslash, as \xHH; cut behind `max_bytes` with "…",
/// so that it ends in no line of its own and fills no disk.
std::string printable(std::string_view text, std::size_t max_bytes = 256);

/// When the process began, as text: with the number of a context a name for a call that no other start gives to another one.
std::string_view start_stamp();

enum class format {
  text,    ///< "2026-01-31T12:00:00.000+01:00 info    what is said name=value"
  logfmt,  ///< "time=… level=info msg="what is said" name=value"
  json,    ///< one object a line: time, level, message and the facts
};

struct config {
  std::string level = "info";  ///< trace, debug, info, warning or warn, error, off
  format as = format::text;
  std::string file;            ///< appended to; empty: standard error. Under systemd, which names it in JOURNAL_STREAM, entries go to the journal,
                               ///< each fact a field of its own, or, where its socket is none of ours, lines that begin with their priority, "<6>"
};

/// The log as configured, from now on; what waits in the queue is written first. Standard streams that are closed become /dev/null. Yields why it
/// cannot be: the file. Call it from one thread, before others log.
std::optional<std::string> configure(const config& how);
/// The same with the level alone. False for another word.
bool configure(std::string_view word);
/// Only the level. False for another word. Any thread.
bool set_level(std::string_view word);

/// The file is opened anew, by its name, for who has renamed it. Returns at once. Any thread.
void reopen();
/// Waits until what was logged is written, but not longer than `patience`.
void drain(clock::duration patience);
/// The end: what waits is written within `patience`; what is logged afterwards is not. The end of the process does it by itself.
void finish(clock::duration patience = std::chrono::seconds(1));

/// Lines that were dropped: the queue was full, or they could not be written.
std::uint64_t dropped() noexcept;
/// Lines that were left out because too many of their kind came.
std::uint64_t left_out() noexcept;

}  // namespace agw::log
