// The relay of one MSRP session between a data channel and a TCP or TLS stream.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"
#include "agw/core/task_group.hpp"
#include "agw/msrp/flow_gate.hpp"
#include "agw/msrp/message_checker.hpp"
#include "agw/msrp/rechunker.hpp"
#include "agw/msrp/relay_paths.hpp"
#include "agw/msrp/session_directory.hpp"

namespace agw::msrp {

struct relay_config {
  relay_paths paths;
  /// Upper bound to what the channel's peer says it takes, octets: some browsers say a gigabyte, and a relay holds one message.
  std::size_t max_message_bytes = 256 * 1024;
  /// The largest single read from the stream, octets. The buffer starts at 4 KiB and grows only while reads fill it.
  std::size_t max_read_bytes = 64 * 1024;
  /// When one side has closed, how long the other direction may take to pass on what it has already taken.
  clock::duration flush = std::chrono::milliseconds(500);
  parser_limits limits;
  /// Aware mode: where the relay's two sessions are bound while it runs, and those of others are looked up (506). Null: nowhere.
  std::shared_ptr<session_directory> sessions;
};

struct relay_counters {
  direction_counters to_channel;
  direction_counters to_stream;
};

/// A lasting stage. Two coroutines, one per direction, in a group of their own; each holds at most one read or one batch and
/// waits until the other side has taken it, so a slow side slows the other one down. Everything runs on the awaiting coroutine's
/// shard.
class relay {
 public:
  /// `channel`, `stream` and `gate` belong to the caller and outlive the relay; until run() returns the relay alone uses the
  /// pipes. `config.paths` were validated.
  relay(relay_config config, message_pipe& channel, byte_stream& stream, flow_gate& gate);
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;

  /// Relays until one side is closed by its peer, and yields that side; the caller closes the pipes afterwards. What was taken
  /// from the other side before that is passed on first, within config.flush. Throws stage_error "msrp" with "syntax" or
  /// "too-large" for what a peer sent, and whatever the pipes throw while both sides are open. Cancel ends it at once; may not
  /// be run twice. Nothing: finish() ended it.
  awaitable<std::optional<side>> run();

  /// The call is about to end: what was taken from either side is still passed on, and what has already arrived is still taken,
  /// until both sides have been quiet for a moment; then run() returns. A side that takes nothing delays this without bound: how long
  /// to wait before cancelling run(), which may cut a chunk, is the caller's choice. Without effect before and after run().
  void finish();

  /// Live; to be read on the relay's shard.
  const relay_counters& counters() const noexcept { return counters_; }

 private:
  // Which direction may write to a pipe now.
  class writer {
   public:
    awaitable<void> acquire();
    void release();

   private:
    bool taken_ = false;
    event free_;
  };

  awaitable<void> direction(side from);
  awaitable<void> to_channel();
  awaitable<void> to_stream();
  awaitable<void> write_stream(std::vector<bytes_view> pieces);
  awaitable<void> send_channel(bytes_view message);
  awaitable<void> end_when_quiet();
  void bind_sessions();
  void closed_by(side s);
  void grow_or_shrink(std::size_t read);

  relay_config config_;
  message_pipe& channel_;
  byte_stream& stream_;
  flow_gate& gate_;
  session_directory::binding channel_session_;
  session_directory::binding stream_session_;
  relay_counters counters_;
  id_source ids_;
  split_transactions splits_{ids_};
  rechunker rechunker_;
  message_checker checker_;

  std::vector<std::byte> buffer_;  // one read from the stream
  unsigned small_reads_ = 0;
  task_group* group_ = nullptr;  // while run() runs
  std::optional<side> closed_;
  bool finishing_ = false;
  bool idle_from_channel_ = false;  // waiting for input: may be cancelled without loss
  bool idle_from_stream_ = false;
  writer stream_writer_;  // aware mode answers on the side that the request came from
  writer channel_writer_;
};

}  // namespace agw::msrp
