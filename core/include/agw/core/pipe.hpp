// The three kinds of pipe that stages are joined by: datagrams, messages, a byte stream. All are shard-bound.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include <boost/container/vector.hpp>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"

namespace agw {

using bytes_view = std::span<const std::byte>;

/// Datagrams that arrived or leave together, in one block of memory. clear() keeps the memory, so that a batch lives as long as
/// its loop. Views stay valid until the next prepare(), push() or clear().
class datagram_batch {
 public:
  bool empty() const noexcept { return items_.empty(); }
  std::size_t size() const noexcept { return items_.size(); }
  std::size_t bytes() const noexcept { return used_; }
  std::span<std::byte> operator[](std::size_t i) noexcept { return {storage_.data() + items_[i].offset, items_[i].size}; }
  bytes_view operator[](std::size_t i) const noexcept { return {storage_.data() + items_[i].offset, items_[i].size}; }

  /// Room for one datagram of up to `max_bytes` behind the others; commit() says how much of it is one.
  std::span<std::byte> prepare(std::size_t max_bytes) {
    if (storage_.size() < used_ + max_bytes) grow(std::max(used_ + max_bytes, storage_.size() * 2));
    return {storage_.data() + used_, max_bytes};
  }
  /// Makes room at once for datagrams of `bytes` together.
  void reserve(std::size_t bytes) {
    if (storage_.size() < used_ + bytes) grow(used_ + bytes);
  }
  void commit(std::size_t size) {
    items_.push_back(item(used_, size));
    used_ += size;
  }
  void push(bytes_view datagram) {
    if (!datagram.empty()) std::memcpy(prepare(datagram.size()).data(), datagram.data(), datagram.size());
    commit(datagram.size());
  }
  void clear() noexcept {
    items_.clear();
    used_ = 0;
  }
  /// clear() for the batch of a session: behind so few datagrams that it may be idle now, the memory goes back too.
  void reuse() noexcept {
    constexpr std::size_t few = 8;
    if (size() > few) return clear();
    *this = datagram_batch();
  }

 private:
  struct item {
    item(std::size_t o, std::size_t s) noexcept : offset(o), size(s) {}
    std::size_t offset;
    std::size_t size;
  };

  // What is prepared is written over: to clear it first cost a tenth of a bulk transfer's instructions.
  void grow(std::size_t bytes) { storage_.resize(bytes, boost::container::default_init); }

  boost::container::vector<std::byte> storage_;
  std::vector<item> items_;
  std::size_t used_ = 0;
};

/// An unreliable path for datagrams, as ICE offers one to DTLS and DTLS one to SCTP.
class datagram_pipe {
 public:
  virtual ~datagram_pipe() = default;
  /// Appends at least one datagram to `into`, and all that is there without waiting (the pipe bounds the batch). One receive at
  /// a time. Throws stage_error when the path has failed, operation_aborted on cancel; nothing is lost by a cancel.
  virtual awaitable<void> receive(datagram_batch& into) = 0;
  /// Sends the whole batch now. Never waits: what the path does not take is dropped and counted, as on any network.
  virtual void send(const datagram_batch& batch) = 0;
  /// The largest datagram that send() takes, bytes.
  virtual std::size_t max_datagram_bytes() const noexcept = 0;
  /// Whether the network may cut what is sent from now on into fragments. False: a datagram that is larger than the path carries is lost, so
  /// an answer to it proves its size. Before the first call it is as the system has it; a pipe without the choice ignores it.
  virtual void allow_fragments(bool) noexcept {}
};

/// What a data channel message is for the application (RFC 8831, 6.6).
enum class message_kind : std::uint8_t { binary, text };

struct message {
  message() = default;
  message(message_kind k, std::vector<std::byte> b) : kind(k), bytes(std::move(b)) {}
  message_kind kind = message_kind::binary;
  std::vector<std::byte> bytes;
};

/// A reliable pipe of whole messages: one data channel.
class message_pipe {
 public:
  virtual ~message_pipe() = default;
  /// Appends at least one message to `into`, and those that are there without waiting (bounded by the pipe). Not receiving holds
  /// the sender back. False: the peer closed the channel and everything before that was delivered. One receive at a time;
  /// nothing is lost by a cancel.
  virtual awaitable<bool> receive(std::vector<message>& into) = 0;
  /// Queues one message whole (a copy is made); false when the send buffer has no room now. Empty messages are allowed.
  /// Throws stage_error when the channel failed, when either side has closed it, and for a message beyond max_message_bytes().
  virtual bool try_send(bytes_view message, message_kind kind = message_kind::binary) = 0;
  /// Returns when try_send() is worth another try. One waiter at a time.
  virtual awaitable<void> send_ready() = 0;
  /// try_send() until it succeeds. `message` belongs to the caller's frame until this returns.
  awaitable<void> send(bytes_view message, message_kind kind = message_kind::binary) {
    while (!try_send(message, kind)) co_await send_ready();
  }
  /// The largest message the peer takes, bytes (its a=max-message-size).
  virtual std::size_t max_message_bytes() const noexcept = 0;
  /// What was received last is still being worked on, and gets on: the reader is slow and has not stopped. For a pipe that closes itself when
  /// its reader has stopped.
  virtual void in_use() noexcept {}
  /// Closes our direction after what was sent, and waits for the peer's close or the deadline. For a data channel: RFC 6525 reset.
  virtual awaitable<void> close(deadline by) = 0;
};

/// The bytes that a cancelled read had taken from the lower layer, kept for the next read.
class unread_bytes {
 public:
  bool empty() const noexcept { return at_ == bytes_.size(); }
  void put_back(bytes_view bytes) {
    bytes_.assign(bytes.begin(), bytes.end());
    at_ = 0;
  }
  std::size_t take(std::span<std::byte> into) {
    const auto count = std::min(into.size(), bytes_.size() - at_);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    if (empty()) *this = {};
    return count;
  }

 private:
  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;
};

/// A reliable byte stream: TCP or TLS.
class byte_stream {
 public:
  virtual ~byte_stream() = default;
  /// At least one byte into `into`; 0 = the peer closed its direction orderly. Throws stage_error on reset. One read at a time;
  /// nothing is lost by a cancel: the next read yields it.
  virtual awaitable<std::size_t> read_some(std::span<std::byte> into) = 0;
  /// Writes all of `pieces`, in order, gathered into as few system calls as possible; waits while the peer does not read. The
  /// bytes belong to the caller's frame until this returns. One write at a time.
  virtual awaitable<void> write(std::span<const bytes_view> pieces) = 0;
  /// Orderly end: TLS close_notify, TCP FIN, then waits for the peer's or the deadline. After it nothing else may be called.
  virtual awaitable<void> close(deadline by) = 0;
};

}  // namespace agw
