// Reads a complete start line with its header lines.
#pragma once

#include <string_view>
#include <vector>

#include <boost/system/error_code.hpp>

#include "agw/msrp/chunk.hpp"

namespace agw::msrp {

// `block`: lines with their CRLF, at least one. Views in `out` point into `block` and `fields`; `out.has_body` is left alone.
boost::system::error_code read_header(std::string_view block, std::size_t max_fields, std::vector<header_field>& fields,
                                      chunk_header& out);

// True when `line` (with CRLF) ends a chunk that has no body: seven hyphens, the transaction id, a flag.
bool read_end_line(std::string_view line, std::string_view transaction_id, continuation& flag);

inline bool is_flag(char c) noexcept { return c == '$' || c == '+' || c == '#'; }

}  // namespace agw::msrp
