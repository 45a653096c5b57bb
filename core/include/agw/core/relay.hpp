// The relay between a data channel and a stream: two directions with back-pressure, StreamMode, counters and an orderly end. What passes
// between the two is a translator's affair.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/flow_gate.hpp"
#include "agw/core/lazy_deque.hpp"
#include "agw/core/pipe.hpp"
#include "agw/core/relay_ending.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/translator.hpp"

namespace agw {

struct relay_config {
  std::string_view name = "relay";  ///< the stage's, in its errors: a string literal
  /// The largest single read from the stream, octets. The buffer starts at 4 KiB and grows only while reads fill it.
  std::size_t max_read_bytes = 64 * 1024;
  /// When a side has closed, or takes nothing any more: how long what the other one sent may take to be passed on.
  clock::duration flush = std::chrono::milliseconds(500);
};

/// What a relay has passed on.
struct relay_counters {
  std::uint64_t octets_to_wic = 0;      ///< of the messages that the channel took
  std::uint64_t octets_from_wic = 0;    ///< of the messages that the translator was given, one that it refused included
  std::uint64_t messages_to_wic = 0;    ///< messages of the data channel
  std::uint64_t messages_from_wic = 0;
  std::uint64_t chunks_forwarded = 0;   ///< units of the subprotocol, where the stage counts them: translator::units()
  std::uint64_t chunks_rejected = 0;
};

/// A lasting stage. Two coroutines, one per direction, in a group of their own. Each reads one buffer or one batch, translates it, and reads on
/// when the other side has taken all of it: so a slow side slows the other one down, and memory is bounded by one read and by what the
/// translator keeps. The gate is awaited before a read, after it, and before each write. Messages that came together are written together.
/// Everything runs on the awaiting coroutine's shard.
///
/// How it ends:
/// - A side that closes orderly ends the relay, when everything that it sent was passed on. What the other side has sent is passed on as well,
///   until that has been quiet for a moment, for config.flush at most; what cannot be delivered to a side that has closed is no error.
/// - A write that fails ends its own direction only. The side that takes nothing any more has sent something before, perhaps: that is passed on up
///   to its end, for config.flush at most (time in which the gate holds it does not count). When that end is an orderly one, so is the relay's; else the error
///   is thrown. When neither side takes anything any more, both are read to their end, and what they yield is dropped.
/// - A read that fails and octets that the translator refuses end the relay with that error, after what came before them.
class relay {
 public:
  /// All four belong to the caller and outlive the relay; until run() returns the relay alone uses the pipes.
  relay(relay_config config, translator& translates, message_pipe& channel, byte_stream& stream, flow_gate& gate);
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;

  /// Yields the side that closed first, or nothing: finish() ended it. The caller closes the pipes afterwards. Throws stage_error: of
  /// config.name with the reasons of `malformed`, or "timeout" for what could not be passed on within config.flush; and those of the
  /// pipes. Cancel ends it at once; may not be run twice.
  awaitable<std::optional<side>> run();

  /// The call is about to end: what was taken from either side is still passed on, and what has already arrived is still taken, until
  /// both sides have been quiet for a moment; then run() returns. A side that takes nothing, or a gate that is closed, delays this without bound: how long
  /// to wait before cancelling run(), which may cut a unit, is the caller's choice. Without effect before and after run().
  void finish();

  /// Live; to be read on the relay's shard.
  relay_counters counters() const;

 private:
  // What the translator gave for what one direction has read.
  class output final : public relay_output {
   public:
    struct item {
      item(bytes_view b, message_kind k) noexcept : bytes(b), kind(k) {}
      bytes_view bytes;
      message_kind kind;
    };
    void to_wic(bytes_view message, message_kind kind) override { messages.emplace_back(message, kind); }
    void to_core(bytes_view octets) override;
    bool empty() const noexcept { return messages.empty() && pieces.empty(); }

    bytes_view stays;                // memory that stays as it is until the pieces are written
    std::vector<item> messages;
    std::vector<bytes_view> pieces;
    lazy_deque<std::string> copies;  // of pieces that lie elsewhere
  };

  // A pipe takes one writer at a time, and both directions may write to it: at most one of them waits.
  struct writer {
    bool taken = false;
    event free;
  };
  class writing {
   public:
    explicit writing(writer& w) : writer_(w) {
      writer_.taken = true;
      writer_.free.reset();
    }
    ~writing() {
      writer_.taken = false;
      writer_.free.set();
    }
    writing(const writing&) = delete;
    writing& operator=(const writing&) = delete;

   private:
    writer& writer_;
  };

  using flow = relay_ending::flow;

  awaitable<void> direction(side from);
  awaitable<flow> from_wic();
  awaitable<flow> from_core();
  awaitable<void> read_to_the_end(side from);
  awaitable<bool> pass_messages(side from, output& out);
  awaitable<bool> pass_octets(side from, output& out);
  awaitable<void> send(bytes_view message, message_kind kind);
  awaitable<void> write(std::vector<bytes_view>& pieces);
  awaitable<void> linger();
  void wind_up();
  relay_ending::view look(bool moved) const;
  void grow_or_shrink(std::size_t read);

  relay_config config_;
  translator& translator_;
  message_pipe& channel_;
  byte_stream& stream_;
  flow_gate& gate_;
  relay_ending ending_;
  relay_counters counters_;
  std::vector<std::byte> buffer_;  // one read from the stream
  unsigned small_reads_ = 0;
  task_group* group_ = nullptr;  // while run() runs
  bool lingers_ = false;
  std::uint64_t moved_ = 0;  // reads and writes that were done
  bool wic_waits_ = false;   // the direction from there waits for input: it may be cancelled without loss
  bool core_waits_ = false;
  writer channel_writer_;
  writer stream_writer_;
  std::exception_ptr channel_error_;  // of the write that failed
  std::exception_ptr stream_error_;
};

}  // namespace agw
