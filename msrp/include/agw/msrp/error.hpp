// What can be wrong with MSRP octets: the room's one error category.
#pragma once

#include <string_view>
#include <type_traits>

#include <boost/system/error_code.hpp>

namespace agw::msrp {

/// Every value says exactly what was wrong, for the log; reason() maps them to the two words of the failure vocabulary.
enum class errc {
  bad_start_line = 1,   ///< not "MSRP", a transaction id and a method or status (RFC 4975, 9)
  bad_header,           ///< a header line that is none or does not end in CRLF, a control character, or a known header twice
  bad_path,             ///< To-Path or From-Path missing, empty or not in first and second place
  bad_uri,              ///< not an msrp or msrps URI
  bad_byte_range,       ///< a malformed Byte-Range, one whose numbers contradict each other, or two of them
  bad_end_line,         ///< an end-line of another transaction, or without its flag or CRLF
  unexpected_body,      ///< a response with a body
  truncated,            ///< the octets ended inside a chunk
  trailing_bytes,       ///< octets behind the end-line in a message that must hold one chunk
  header_too_large,     ///< start line and headers exceed parser_limits::header_bytes or ::fields
  chunk_too_large,      ///< a chunk that may not be split and exceeds the peer's max-message-size
  unknown_message,      ///< the session has no such message, or it has failed
};

/// Declared once: codes of this category compare equal wherever they are made.
const boost::system::error_category& category() noexcept;
inline boost::system::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

/// "too-large" or "syntax": the words for stage_error after "msrp:" (string literals).
std::string_view reason(boost::system::error_code code) noexcept;

}  // namespace agw::msrp

template <>
struct boost::system::is_error_code_enum<agw::msrp::errc> : std::true_type {};
