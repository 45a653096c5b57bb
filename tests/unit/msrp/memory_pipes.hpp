// Pipes in memory, whose far end the test plays: what arrives, how much room there is, when it closes.
#pragma once

#include <deque>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "agw/core/error.hpp"
#include "agw/core/event.hpp"
#include "agw/core/pipe.hpp"
#include "agw/msrp/bytes.hpp"

namespace agw::msrp::test {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

class memory_channel final : public message_pipe {
 public:
  // The far end.
  void arrive(std::string_view text, message_kind kind = message_kind::binary) {
    const auto bytes = as_bytes(text);
    incoming_.emplace_back(kind, std::vector<std::byte>(bytes.begin(), bytes.end()));
    changed_.set();
  }
  void peer_closes() {
    closed_ = true;
    changed_.set();
  }
  void fail() {
    failed_ = true;
    changed_.set();
    room_.set();
  }
  void give_room(std::size_t messages) {
    window = messages;
    room_.set();
  }
  std::size_t waiting() const { return incoming_.size(); }

  std::vector<std::string> sent;
  std::vector<message_kind> kinds;
  std::size_t window = unlimited;  // messages that it still takes
  std::size_t limit = 65536;

  // The near end.
  awaitable<bool> receive(std::vector<message>& into) override {
    while (incoming_.empty() && !closed_ && !failed_) co_await changed_.wait();
    if (failed_) throw stage_error("channel", "reset");
    if (incoming_.empty()) co_return false;
    for (auto& one : incoming_) into.push_back(std::move(one));
    incoming_.clear();
    co_return true;
  }
  bool try_send(bytes_view message, message_kind kind) override {
    if (failed_) throw stage_error("channel", "reset");
    if (message.size() > limit) throw std::length_error("a message beyond max_message_bytes()");
    if (window == 0) return false;
    if (window != unlimited) --window;
    sent.emplace_back(as_text(message));
    kinds.push_back(kind);
    return true;
  }
  awaitable<void> send_ready() override { co_await room_.wait(); }
  std::size_t max_message_bytes() const noexcept override { return limit; }
  awaitable<void> close(deadline) override { co_return; }

 private:
  std::vector<message> incoming_;
  bool closed_ = false;
  bool failed_ = false;
  event changed_;
  event room_;
};

class memory_stream final : public byte_stream {
 public:
  // The far end.
  void arrive(std::string_view text) {
    incoming_.append(text);
    changed_.set();
  }
  void peer_closes() {
    closed_ = true;
    changed_.set();
  }
  void give_room(std::size_t bytes) {
    window = bytes;
    room_.set();
  }
  std::size_t waiting() const { return incoming_.size(); }

  std::string sent;
  std::size_t writes = 0;
  std::size_t window = unlimited;  // octets that it still takes

  // The near end.
  awaitable<std::size_t> read_some(std::span<std::byte> into) override {
    while (incoming_.empty() && !closed_) co_await changed_.wait();
    const auto count = std::min(into.size(), incoming_.size());
    std::copy_n(as_bytes(incoming_).begin(), count, into.begin());
    incoming_.erase(0, count);
    co_return count;
  }
  awaitable<void> write(std::span<const bytes_view> pieces) override {
    ++writes;
    for (auto piece : pieces) {
      while (!piece.empty()) {
        while (window == 0) co_await room_.wait();
        const auto count = std::min(piece.size(), window);
        sent.append(as_text(piece.first(count)));
        if (window != unlimited) window -= count;
        piece = piece.subspan(count);
      }
    }
  }
  awaitable<void> close(deadline) override { co_return; }

 private:
  std::string incoming_;
  bool closed_ = false;
  event changed_;
  event room_;
};

}  // namespace agw::msrp::test
