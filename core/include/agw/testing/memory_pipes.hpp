// Pipes in memory for tests of stages. The test plays the far end: what arrives, how much room there is, when and how it closes. The near end
// refuses what a data channel and a TCP stream refuse.
#pragma once

#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agw/core/bytes.hpp"
#include "agw/core/error.hpp"
#include "agw/core/event.hpp"
#include "agw/core/pipe.hpp"

namespace agw::testing {

inline constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

/// While it lives, the one call of its kind that a pipe allows runs. A second one is a fault of the code under test: std::logic_error.
class one_at_a_time {
 public:
  one_at_a_time(bool& busy, const char* what) : busy_(busy) {
    if (std::exchange(busy_, true)) throw std::logic_error(what);
  }
  one_at_a_time(const one_at_a_time&) = delete;
  one_at_a_time& operator=(const one_at_a_time&) = delete;
  ~one_at_a_time() { busy_ = false; }

 private:
  bool& busy_;
};

/// A data channel. As the real one: nothing can be sent once the peer, or we, have closed it; what had arrived before is still received, also
/// when the association has failed; a message beyond the limit is refused.
class memory_channel final : public message_pipe {
 public:
  // The far end.
  void arrive(std::string_view text, message_kind kind = message_kind::binary) {
    const auto bytes = as_bytes(text);
    incoming_.emplace_back(kind, std::vector<std::byte>(bytes.begin(), bytes.end()));
    readable_.set();
  }
  /// RFC 6525: the peer resets its stream, and the gateway answers.
  void peer_closes() {
    closed_ = true;
    wake();
  }
  /// The association fails.
  void fail(std::string_view stage = "channel", std::string_view reason = "reset") {
    failure_ = std::make_exception_ptr(stage_error(stage, reason));
    wake();
  }
  void give_room(std::size_t messages) {
    window = messages;
    writable_.set();
  }
  /// Messages that were not received yet.
  std::size_t waiting() const { return incoming_.size(); }

  std::vector<std::string> sent;    ///< what the far end has got
  std::vector<message_kind> kinds;  ///< of these
  std::size_t window = unlimited;   ///< messages that it still takes
  std::size_t limit = 65536;        ///< its a=max-message-size
  std::size_t batch = 64;           ///< messages that one receive() yields at most

  // The near end.
  awaitable<bool> receive(std::vector<message>& into) override {
    const one_at_a_time guard(receiving_, "a second receive() while one waits");
    while (incoming_.empty()) {
      if (closed_) co_return false;
      if (failure_) std::rethrow_exception(failure_);
      co_await readable_.wait();
    }
    const auto count = std::min(batch, incoming_.size());
    const auto end = incoming_.begin() + static_cast<std::ptrdiff_t>(count);
    for (auto at = incoming_.begin(); at != end; ++at) into.push_back(std::move(*at));
    incoming_.erase(incoming_.begin(), end);
    co_return true;
  }
  bool try_send(bytes_view message, message_kind kind) override {
    if (failure_) std::rethrow_exception(failure_);
    if (closed_ || closing_) throw stage_error("channel", "reset", {}, "closed");
    if (message.size() > limit) throw stage_error("channel", "too-large");
    writable_.reset();
    if (window == 0) return false;
    if (window != unlimited) --window;
    sent.emplace_back(as_text(message));
    kinds.push_back(kind);
    return true;
  }
  awaitable<void> send_ready() override {
    const one_at_a_time guard(sending_, "a second send_ready() while one waits");
    co_await writable_.wait();
  }
  std::size_t max_message_bytes() const noexcept override { return limit; }
  awaitable<void> close(deadline) override {
    closing_ = true;
    wake();
    co_return;
  }

 private:
  void wake() {
    readable_.set();
    writable_.set();
  }

  std::vector<message> incoming_;
  bool closed_ = false;
  bool closing_ = false;
  bool receiving_ = false;
  bool sending_ = false;
  std::exception_ptr failure_;
  event readable_;
  event writable_;
};

/// A TCP connection. As the real one: a peer that has closed its direction may go on reading, or not: then writes fail, and the end that was
/// read stays an orderly one; a peer that resets the connection makes both fail, after what had arrived before.
class memory_stream final : public byte_stream {
 public:
  // The far end.
  void arrive(std::string_view text) {
    incoming_.append(text);
    readable_.set();
  }
  /// FIN; the peer still takes octets.
  void peer_closes() {
    ended_ = true;
    readable_.set();
  }
  /// FIN from a socket that nobody reads any more: what is written from now on is answered by a reset.
  void peer_is_gone() {
    gone_ = true;
    peer_closes();
    writable_.set();
  }
  /// RST.
  void peer_resets() {
    reset_ = true;
    readable_.set();
    writable_.set();
  }
  void give_room(std::size_t bytes) {
    window = bytes;
    writable_.set();
  }
  /// Octets that were not read yet.
  std::size_t waiting() const { return incoming_.size() - at_; }

  std::string sent;                ///< what the far end has got
  std::size_t writes = 0;          ///< calls of write()
  std::size_t window = unlimited;  ///< octets that it still takes

  // The near end.
  awaitable<std::size_t> read_some(std::span<std::byte> into) override {
    const one_at_a_time guard(reading_, "a second read_some() while one waits");
    usable();
    while (waiting() == 0) {
      if (reset_) throw stage_error("tcp", "reset");
      if (ended_) co_return 0;
      co_await readable_.wait();
    }
    const auto count = std::min(into.size(), waiting());
    std::copy_n(as_bytes(incoming_).begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    if (waiting() == 0) {
      incoming_.clear();
      at_ = 0;
    }
    co_return count;
  }
  awaitable<void> write(std::span<const bytes_view> pieces) override {
    const one_at_a_time guard(writing_, "a second write() while one waits");
    usable();
    ++writes;
    for (auto piece : pieces) {
      while (!piece.empty()) {
        if (reset_ || gone_) throw stage_error("tcp", "reset");
        if (window == 0) {
          co_await writable_.wait();
          continue;
        }
        const auto count = std::min(piece.size(), window);
        sent.append(as_text(piece.first(count)));
        if (window != unlimited) window -= count;
        piece = piece.subspan(count);
      }
    }
  }
  awaitable<void> close(deadline) override {
    closed_ = true;
    co_return;
  }

 private:
  void usable() const {
    if (closed_) throw std::logic_error("a call after close()");
  }

  std::string incoming_;
  std::size_t at_ = 0;
  bool ended_ = false;
  bool gone_ = false;
  bool reset_ = false;
  bool closed_ = false;
  bool reading_ = false;
  bool writing_ = false;
  event readable_;
  event writable_;
};

}  // namespace agw::testing
