// MSRP's part of a relay between a data channel and a TCP or TLS stream (RFC 8873, RFC 6714): what agw::relay passes between the two.
#pragma once

#include <memory>

#include "agw/core/translator.hpp"
#include "agw/msrp/message_checker.hpp"
#include "agw/msrp/rechunker.hpp"
#include "agw/msrp/relay_paths.hpp"
#include "agw/msrp/session_directory.hpp"

namespace agw::msrp {

struct relay_options {
  relay_paths paths;
  /// Upper bound to what the channel's peer says it takes, octets: some browsers say a gigabyte, and a relay holds one message.
  std::size_t max_message_bytes = 256 * 1024;
  parser_limits limits;
  /// Aware mode: where the relay's two sessions are bound while the translator lives, and those of others are looked up (506). Null: nowhere.
  std::shared_ptr<session_directory> sessions;
};

/// A rechunker towards the channel and a message_checker towards the stream. In aware mode what cannot be taken is answered on the side that it
/// came from. Errors: "syntax" and "too-large". Holds one message of at most its limit.
class relay_translator final : public agw::translator {
 public:
  /// `options.paths` were validated. `channel_max_bytes`: the channel's max_message_bytes().
  relay_translator(relay_options options, std::size_t channel_max_bytes);

  outcome from_wic(const message& m, relay_output& out) override;
  outcome from_core(bytes_view& in, relay_output& out) override;
  /// A chunk that the stream did not finish is aborted, not left open.
  outcome closed(side from, relay_output& out) override;
  bool between_units() const override { return rechunker_.between_chunks(); }
  /// Chunks; one that was split counts once.
  relay_units units() const override;

  const direction_counters& to_wic() const noexcept { return to_wic_; }
  const direction_counters& to_core() const noexcept { return to_core_; }

 private:
  void bind_sessions();

  relay_options options_;
  session_directory::binding wic_session_;
  session_directory::binding core_session_;
  direction_counters to_wic_;
  direction_counters to_core_;
  id_source ids_;
  split_transactions splits_{ids_};
  rechunker rechunker_;
  message_checker checker_;
};

}  // namespace agw::msrp
