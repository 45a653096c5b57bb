// The parts of one MSRP chunk (request or response) as RFC 4975, 9 defines them, and as peers really send them: what does not
// blur where a chunk begins and ends is taken in any form, and what RFC 4975 does not allow is noted as a flaw.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace agw::msrp {

/// What a chunk is. `other` is a request with a method that RFC 4975 does not define, for example AUTH, NICKNAME or FILE_OFFSET.
enum class chunk_kind : std::uint8_t { send, report, other, response };

/// The flag of the end-line: the message is complete, continues in a later chunk, or was aborted.
enum class continuation : char { complete = '$', more = '+', aborted = '#' };

/// When the receiver of a request answers: always, with errors only, or never.
enum class failure_report : std::uint8_t { yes, partial, no };

/// Byte-Range: positions count from 1, and an absent value is written "*". Some peers write 0-0/0 where nothing is sent. Values are
/// at most 2^63, so that a position plus the length of a body does not overflow.
struct byte_range {
  std::uint64_t start = 1;
  std::optional<std::uint64_t> end;
  std::optional<std::uint64_t> total;

  bool operator==(const byte_range&) const = default;
};

/// The value of a Byte-Range header; errc::bad_byte_range. An end before start - 1 is an error, an end beyond the total is not:
/// the actual length decides (RFC 4975, 7.3.1).
boost::system::result<byte_range> parse_byte_range(std::string_view value);
/// "1-*/2048"
std::string to_string(const byte_range& range);

struct header_field {
  std::string_view name;   ///< as received; empty for a line that is not a name, a colon and a value
  std::string_view value;  ///< without the blanks around it
  std::string_view line;   ///< the whole line with its CRLF
};

/// Start line and headers. All views point into the memory of the parser. Of a known header that stands twice the first counts.
struct chunk_header {
  std::string_view block;               ///< start line and header lines as received, each with its CRLF; no empty line
  std::string_view transaction_id;      ///< 1 to max_transaction_id_bytes octets without blanks and control characters
  chunk_kind kind = chunk_kind::send;
  std::string_view method;              ///< of a request
  unsigned status = 0;                  ///< of a response, 100 to 999
  std::string_view comment;             ///< of a response
  std::string_view to_path;             ///< URIs separated by one space, not parsed; empty when absent
  std::string_view from_path;
  std::string_view message_id;          ///< in any form; empty when absent
  std::optional<byte_range> range;      ///< absent also when it is malformed; then `flaw` says so
  bool success_report = false;          ///< absent and unknown values mean no
  failure_report failure = failure_report::yes;  ///< absent and unknown values mean yes
  std::string_view status_field;        ///< of a REPORT: namespace, code, comment
  std::string_view content_type;        ///< empty when absent
  std::span<const header_field> fields; ///< every header line in its order, the known ones too
  bool has_body = false;                ///< an empty line follows; the body itself may be empty
  /// The first thing about the headers that RFC 4975 does not allow and that two readers might understand differently:
  /// bad_start_line, bad_header, bad_path, bad_byte_range or unexpected_body. Framing does not depend on it.
  boost::system::error_code flaw;

  bool request() const noexcept { return kind != chunk_kind::response; }
  /// The first field of that name, in any case; nullptr when absent.
  const header_field* find(std::string_view name) const noexcept;
};

/// The longest transaction id that is taken, octets. RFC 4975 allows 32; UUIDs of 36 are common.
inline constexpr std::size_t max_transaction_id_bytes = 128;

/// The status with which a request is refused for what its own headers say: 400 for a flaw or a body without Content-Type, 415 for a
/// body whose Content-Type names no media type (RFC 4975, 7.3 and 10). 0: none.
unsigned refusal_status(const chunk_header& request) noexcept;

/// The code of a REPORT's Status header when its namespace is 000; 0 otherwise.
unsigned status_code(const chunk_header& report) noexcept;

}  // namespace agw::msrp
