// From the stream to the channel: TCP octets in, complete SCTP user messages of one MSRP chunk each out (RFC 8873, 5.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/system/result.hpp>

#include "agw/msrp/bytes.hpp"
#include "agw/msrp/chunk_parser.hpp"
#include "agw/msrp/relay_paths.hpp"
#include "agw/msrp/split_transactions.hpp"

namespace agw::msrp {

/// What went one way through a relay.
struct direction_counters {
  std::uint64_t bytes = 0;     ///< octets passed on
  std::uint64_t messages = 0;  ///< user messages sent to the channel, or taken from it
  std::uint64_t chunks = 0;    ///< chunks forwarded; one that was split counts once
  std::uint64_t split = 0;     ///< of these, the ones that were split
  std::uint64_t rejected = 0;  ///< chunks that were refused, and the one whose error ended the session
  std::uint64_t absorbed = 0;  ///< responses to the gateway's own transactions
};

/// Octets to send, in two parts of which the second follows the first; `rest` is always empty towards the channel.
struct outbound {
  side to = side::wic;
  bytes_view head;
  bytes_view rest;
};

struct rechunker_config {
  /// The peer's a=max-message-size, octets; no user message is longer.
  std::size_t max_message_bytes = 64 * 1024;
  /// A chunk is not split when less body than this fits beside its headers: most of the traffic would be headers.
  std::size_t min_piece_bytes = 256;
  parser_limits limits;
};

/// A chunk that fits goes out unchanged as soon as it is complete, straight from the fed octets when they hold all of it. One
/// that does not fit is cut while it arrives: each piece has a fresh transaction id, a Byte-Range with its real numbers and the
/// flag "+", but for the last, which keeps the original's flag. RFC 4975, 7.1.1 wants "*" as the end of chunks above 2048
/// octets so that they can be interrupted; a piece is written as a whole, so its end is known and written (RFC 4976, 6.4.1).
/// Keep-alives (CRLF between chunks) end here: a user message is a chunk. Memory: one message and the headers. Nothing is ever
/// truncated.
class rechunker {
 public:
  /// `paths`, `splits` and `counters` outlive the rechunker; `splits` is the one of the message_checker of the same relay.
  rechunker(const rechunker_config& config, const relay_paths& paths, split_transactions& splits, direction_counters& counters);

  /// Consumes from the front of `in` until there is something to send: a message for the channel, or, in aware mode, the response
  /// for the stream that refuses a chunk: refusal_status(), or 413 for one that may not be split and does not fit. Nullopt: everything
  /// was consumed. Call until then and keep the fed octets in place so long; an outbound's views are good until the next call. Errors
  /// are final: those of the parser and, in agnostic mode, errc::chunk_too_large for what does not fit and errc::bad_byte_range for what
  /// would have to be split and has no usable Byte-Range.
  boost::system::result<std::optional<outbound>> next(bytes_view& in);

  /// The stream has ended. If that was inside a chunk of which pieces are already gone, yields a last piece with the flag "#"; an
  /// unfinished chunk of which nothing is gone counts as rejected.
  std::optional<outbound> finish();

  /// True when the stream may end here.
  bool between_chunks() const noexcept { return parser_.between_chunks(); }
  /// What it holds of an unfinished chunk, octets.
  std::size_t buffered_bytes() const noexcept { return buffer_.size(); }

 private:
  enum class phase : std::uint8_t { headers, in_place, gathering, splitting, discarding };
  using output = std::optional<outbound>;

  boost::system::result<output> on_header();
  boost::system::result<output> on_body(bytes_view bytes);
  output on_end(bytes_view after, continuation flag);
  boost::system::error_code begin_split(bytes_view bytes);
  boost::system::error_code write_piece_headers();
  boost::system::result<output> cannot_take(boost::system::error_code why);
  output refuse(unsigned status);
  void begin_gathering();
  output fill();
  output emit_piece(continuation flag);
  output emit_gathered(continuation flag);
  outbound sent(bytes_view message);

  rechunker_config config_;
  const relay_paths& paths_;
  split_transactions& splits_;
  direction_counters& counters_;
  chunk_parser parser_;

  phase phase_ = phase::headers;
  const std::byte* start_ = nullptr;  // of the chunk, while all of it is in the fed octets
  std::string head_;                  // aware: the header block with the other side's paths, or the response that refuses a chunk
  std::size_t head_bytes_ = 0;        // of the outgoing header block, with the empty line
  std::size_t tail_bytes_ = 0;        // of the outgoing end-line, with the CRLF that ends a body
  std::uint64_t body_bytes_ = 0;      // seen of an unsplit chunk

  std::vector<std::byte> buffer_;     // room for headers, then body
  std::size_t headroom_ = 0;
  bool flush_ = false;                // the body in buffer_ was emitted

  std::string before_range_;          // of a piece: from behind the id up to the Byte-Range's value
  std::string after_range_;           // of a piece: the rest of the headers and the empty line
  byte_range range_;                  // of what is left of the chunk that is being split
  std::size_t capacity_ = 0;          // body octets of a piece
  std::string carry_;                 // body that was gathered, and does not fit the first piece
  bytes_view rest_;                   // body that is fed, but not yet taken
};

}  // namespace agw::msrp
