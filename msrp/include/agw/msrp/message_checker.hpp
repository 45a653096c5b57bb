// From the channel to the stream: each SCTP user message must be one whole chunk (RFC 8873, 5.4), and passes unchanged.
#pragma once

#include <optional>
#include <string>

#include <boost/system/result.hpp>

#include "agw/msrp/chunk_parser.hpp"
#include "agw/msrp/rechunker.hpp"
#include "agw/msrp/relay_paths.hpp"
#include "agw/msrp/split_transactions.hpp"

namespace agw::msrp {

/// Keeps nothing of one message for the next. In agnostic mode a message passes as it is, in aware mode with the other side's
/// paths; responses to pieces that the rechunker made are absorbed, or answer the chunk that was split. CRLF before or behind a chunk,
/// or alone, is a keep-alive and passes, too.
class message_checker {
 public:
  /// `paths`, `splits` and `counters` outlive the checker. `max_message_bytes`: what the channel takes at most.
  message_checker(const parser_limits& limits, const relay_paths& paths, split_transactions& splits, direction_counters& counters,
                  std::size_t max_message_bytes)
      : paths_(paths), splits_(splits), counters_(counters), max_message_bytes_(max_message_bytes), parser_(limits) {}

  /// What to send for `message`: to the stream, or, in aware mode, to the channel the response that refuses it. Nullopt: nothing; a
  /// refusal that is longer than the channel takes is only counted. The views point into `message` and, for what was rewritten, into
  /// the checker until the next call. Errors are final: errc::truncated (also for an empty message), errc::trailing_bytes, and those of
  /// the parser.
  boost::system::result<std::optional<outbound>> check(bytes_view message);

 private:
  enum class content : std::uint8_t { chunk, keep_alive };

  boost::system::result<content> parse(bytes_view message);
  std::optional<outbound> refuse(unsigned status);

  const relay_paths& paths_;
  split_transactions& splits_;
  direction_counters& counters_;
  std::size_t max_message_bytes_;
  chunk_parser parser_;
  continuation flag_ = continuation::complete;
  std::string head_;
};

}  // namespace agw::msrp
