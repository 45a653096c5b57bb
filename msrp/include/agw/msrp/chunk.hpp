// The parts of one MSRP chunk (request or response) as RFC 4975, 9 defines them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace agw::msrp {

/// What a chunk is. `other` is a request with a method that RFC 4975 does not define, for example AUTH or NICKNAME.
enum class chunk_kind : std::uint8_t { send, report, other, response };

/// The flag of the end-line: the message is complete, goes on in a later chunk, or was given up.
enum class continuation : char { complete = '$', more = '+', aborted = '#' };

/// When the receiver of a request answers: always, with errors only, or never.
enum class failure_report : std::uint8_t { yes, partial, no };

/// Byte-Range: positions count from 1; what is absent stands as "*". Values are below 10^18, so that sums do not overflow.
struct byte_range {
  std::uint64_t start = 1;
  std::optional<std::uint64_t> end;
  std::optional<std::uint64_t> total;

  bool operator==(const byte_range&) const = default;
};

/// The value of a Byte-Range header; errc::bad_byte_range. An end before start - 1 is refused, an end beyond the total is not:
/// the actual length decides (RFC 4975, 7.3.1).
boost::system::result<byte_range> parse_byte_range(std::string_view value);
/// "1-*/2048"
std::string to_string(const byte_range& range);

struct header_field {
  std::string_view name;   ///< as received
  std::string_view value;  ///< without the blanks around it
  std::string_view line;   ///< the whole line with its CRLF
};

/// Start line and headers. All views point into the memory of whoever parsed it.
struct chunk_header {
  std::string_view block;               ///< start line and header lines as received, each with its CRLF; no empty line
  std::string_view transaction_id;
  chunk_kind kind = chunk_kind::send;
  std::string_view method;              ///< of a request
  unsigned status = 0;                  ///< of a response, 100 to 999
  std::string_view comment;             ///< of a response
  std::string_view to_path;             ///< URIs separated by one space, not looked into
  std::string_view from_path;
  std::string_view message_id;          ///< empty when absent
  std::optional<byte_range> range;
  bool success_report = false;          ///< absent means no
  failure_report failure = failure_report::yes;
  std::string_view status_field;        ///< of a REPORT: namespace, code, comment
  std::string_view content_type;        ///< empty when absent
  std::span<const header_field> fields; ///< every header line in its order, the known ones too
  bool has_body = false;                ///< an empty line follows; the body itself may be empty

  bool request() const noexcept { return kind != chunk_kind::response; }
  /// The first field of that name, in any case; nullptr when absent.
  const header_field* find(std::string_view name) const noexcept;
};

/// The code of a REPORT's Status header when its namespace is 000; 0 otherwise.
unsigned status_code(const chunk_header& report) noexcept;

}  // namespace agw::msrp
