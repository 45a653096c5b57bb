// What can be wrong with MSRP octets: the room's one error category.
#pragma once

#include <string_view>
#include <type_traits>

#include <boost/system/error_code.hpp>

namespace agw::msrp {

/// Every value says exactly what was wrong, for the log; reason() folds them into the two words of the failure vocabulary.
enum class errc {
  bad_start_line = 1,   ///< not "MSRP", a transaction id of 4 to 32 characters and a method or status (RFC 4975, 9)
  bad_header,           ///< a header line that is none, a control character, or a known field given twice
  bad_path,             ///< To-Path or From-Path missing, empty or not in first and second place
  bad_uri,              ///< not an msrp or msrps URI
  bad_byte_range,       ///< a Byte-Range that is none, or whose numbers contradict each other
  bad_end_line,         ///< an end-line of another transaction, or without its flag or CRLF
  unexpected_body,      ///< a response with a body
  truncated,            ///< the octets ended inside a chunk
  trailing_bytes,       ///< octets behind the end-line in a message that must hold one chunk
  header_too_large,     ///< start line and headers exceed parser_limits::header_bytes or ::fields
  body_too_large,       ///< a request other than SEND with more than 10240 octets of body (RFC 4975, 7.1)
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
