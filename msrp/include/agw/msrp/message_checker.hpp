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
/// paths; responses to pieces that the rechunker made are absorbed, or answer the chunk that was split.
class message_checker {
 public:
  /// `paths`, `splits` and `counters` outlive the checker.
  message_checker(const parser_limits& limits, const relay_paths& paths, split_transactions& splits, direction_counters& counters)
      : paths_(paths), splits_(splits), counters_(counters), parser_(limits) {}

  /// What to send for `message`: to the stream, or, in aware mode, the answer 481 to the channel. Nullopt: nothing. The views
  /// point into `message` and, for what was rewritten, into the checker until the next call. Errors are final: errc::truncated,
  /// errc::trailing_bytes (also for an empty message: truncated), and those of the parser.
  boost::system::result<std::optional<outbound>> check(bytes_view message);

 private:
  boost::system::error_code parse(bytes_view message);

  const relay_paths& paths_;
  split_transactions& splits_;
  direction_counters& counters_;
  chunk_parser parser_;
  continuation flag_ = continuation::complete;
  std::string head_;
};

}  // namespace agw::msrp
