// A relay of lines on a test clock, between two pipes in memory.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "agw/core/bytes.hpp"
#include "agw/core/line_splitter.hpp"
#include "agw/core/relay.hpp"
#include "agw/testing/loop.hpp"
#include "agw/testing/memory_pipes.hpp"

namespace agw::test {

using testing::manual_clock;
using testing::memory_channel;
using testing::memory_stream;
using testing::unlimited;

/// Each message is a line of the stream, and each line a message. "!" is malformed on either side, "?…" is answered on the side that it comes from.
class line_translator final : public translator {
 public:
  outcome from_wic(const message& m, relay_output& out) override {
    const auto text = as_text(m.bytes);
    if (text == "!") return malformed("!");
    if (text.starts_with('?')) {
      answer_ = std::string(text.substr(1));
      out.to_wic(as_bytes(answer_), m.kind);
      return {};
    }
    ++units_.forwarded;
    out.to_core(m.bytes);
    out.to_core(as_bytes("\n"));
    return {};
  }
  outcome from_core(bytes_view& in, relay_output& out) override { return hand(lines_.next(in), out); }
  outcome closed(side from, relay_output& out) override {
    if (from == side::wic) return {};
    return hand(lines_.last(), out);
  }
  bool between_units() const override { return lines_.between_lines(); }
  relay_units units() const override { return units_; }

 private:
  outcome hand(const line_splitter::line& line, relay_output& out) {
    if (!line) return line.error();
    if (!*line) return {};
    const auto text = as_text(**line);
    if (text == "!") return malformed("!");
    if (text.starts_with('?')) {
      answer_ = std::string(text.substr(1)).append("\n");
      out.to_core(as_bytes(answer_));
    } else {
      out.to_wic(**line, message_kind::text);
    }
    return {};
  }

  line_splitter lines_{1000};
  std::string answer_;
  relay_units units_;
};

struct relay_world {
  relay_world() {
    relay_config config;
    config.name = "lines";
    relaying.emplace(config, translates, wic, core, gate);
    auto body = [this]() -> awaitable<void> { closed_first = co_await relaying->run(); };
    auto ending = [this](std::exception_ptr e) {
      error = std::move(e);
      ended = true;
    };
    asio::co_spawn(context, std::move(body), asio::bind_cancellation_slot(cancel.slot(), std::move(ending)));
  }
  ~relay_world() {
    if (!ended) cancel.emit(asio::cancellation_type::terminal);
    time.settle();
    if (!ended) std::terminate();
  }
  void settle() { time.settle(); }
  /// On the loop, as everything of a relay.
  void finish() {
    asio::post(context, [this] { relaying->finish(); });
  }
  /// In steps, so that each timer runs when it is due.
  void advance(clock::duration by) {
    constexpr clock::duration step = std::chrono::milliseconds(10);
    for (; by > step; by -= step) time.advance(step);
    time.advance(by);
  }
  std::string failure() const { return testing::failure_of(error); }

  asio::io_context context{1};
  manual_clock time{context};
  memory_channel wic;
  memory_stream core;
  flow_gate gate{stream_mode::send_receive, stream_mode::send_receive};
  line_translator translates;
  std::optional<relay> relaying;
  asio::cancellation_signal cancel;
  std::optional<side> closed_first;
  std::exception_ptr error;
  bool ended = false;
};

}  // namespace agw::test
