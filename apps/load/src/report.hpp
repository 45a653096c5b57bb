// The report of a run: as a table with bars for people, as JSON for programs. No I/O.
#pragma once

#include <string>

#include <boost/json.hpp>

#include "outcome.hpp"

namespace agw::load {

boost::json::object to_json(const outcome& o);
std::string table(const outcome& o);
/// How many values lie in which range, as text bars of at most `width` characters; ranges of the series 1, 2, 5.
std::string bars(const histogram& h, std::size_t width = 50);
/// The line that is written each second.
std::string progress_line(const second& s, const load_options& o);

/// "1.23 ms", "45 µs", "3.2 s".
std::string time_text(clock::duration d);
/// "12.3 MB".
std::string bytes_text(std::uint64_t bytes);

}  // namespace agw::load
