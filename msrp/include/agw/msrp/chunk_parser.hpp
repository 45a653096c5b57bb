// Finds chunks in a stream of octets, fed in any fragmentation.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <boost/system/result.hpp>

#include "agw/msrp/bytes.hpp"
#include "agw/msrp/chunk.hpp"
#include "agw/msrp/error.hpp"

namespace agw::msrp {

/// What the parser keeps of a chunk at most. Bodies have no limit: they are never kept.
struct parser_limits {
  /// Start line and headers, octets. Two paths through four relays and the MIME fields of a file come to less than 4 KiB.
  std::size_t header_bytes = 8 * 1024;
  /// Header lines. RFC 4975, 4976 and 5547 together define some fifteen.
  std::size_t fields = 64;
};

struct need_more {};                                     ///< everything fed was consumed
struct keep_alive {};                                    ///< CRLF between two chunks: of no chunk
struct header_complete {};                               ///< header() is valid until the next chunk begins
struct body_piece { bytes_view bytes; };                 ///< never empty; valid until the next call
struct chunk_end { continuation flag; };                 ///< the chunk is over
using chunk_event = std::variant<need_more, keep_alive, header_complete, body_piece, chunk_end>;

/// A pull parser: feed octets, call next() until it says need_more. It copies headers (bounded by the limits) and nothing else:
/// body pieces are views into what was fed, or into the parser where a would-be end-line was split between two feeds and turned
/// out to be body. Each chunk gives header_complete, any number of body_piece, chunk_end. Time is linear in the octets.
///
/// An error means that it is not known where the next chunk begins. What is wrong with a chunk otherwise is the header's `flaw`.
/// The end-line may follow the empty line directly: some peers end an empty body like that.
class chunk_parser {
 public:
  explicit chunk_parser(parser_limits limits = {}) : limits_(limits) {}
  chunk_parser(const chunk_parser&) = delete;  // header() points into it
  chunk_parser& operator=(const chunk_parser&) = delete;

  /// Consumes from the front of `in` up to the next event. Errors are final: every later call returns the same one.
  boost::system::result<chunk_event> next(bytes_view& in);

  /// Start line and headers of the chunk whose header_complete came last.
  const chunk_header& header() const noexcept { return header_; }
  /// True when no octet of an unfinished chunk was consumed: a stream may end here.
  bool between_chunks() const noexcept { return state_ == state::start && !cr_seen_; }

 private:
  enum class state : std::uint8_t { start, header, body, ending, failed };

  boost::system::result<chunk_event> next_start(bytes_view& in);
  boost::system::result<chunk_event> next_header(bytes_view& in);
  boost::system::result<chunk_event> next_body(bytes_view& in);
  chunk_event matched_as_body();
  boost::system::error_code take_line(std::string_view line);
  boost::system::error_code fail(boost::system::error_code code);

  parser_limits limits_;
  state state_ = state::start;
  bool cr_seen_ = false;               // between chunks: the first half of a CRLF was consumed
  std::string block_;                  // start line and headers so far
  std::size_t line_start_ = 0;         // of the line that is being collected in block_
  bool header_done_ = false;
  std::vector<header_field> fields_;
  chunk_header header_;
  std::string end_line_;               // CRLF, seven hyphens, transaction id: what ends a body but for flag and CRLF
  std::size_t matched_ = 0;            // octets of end_line_, flag and CR that were consumed and not yet decided on
  std::size_t not_body_ = 0;           // of matched_: the CRLF of the empty line, which is no body
  continuation flag_ = continuation::complete;
  boost::system::error_code error_;
};

}  // namespace agw::msrp
