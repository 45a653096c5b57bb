// Read this file from its end: lines_stage() is the stage, add_stages() gives it its name, lines_relay does the work.
#include <algorithm>
#include <array>

#include "agw/core/error.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/examples/line_codec.hpp"
#include "agw/examples/stages.hpp"
#include "agw/msrp/bytes.hpp"

namespace agw::examples {

using gateway::component_context;
using gateway::component_counters;
using gateway::component_end;
using msrp::side;

namespace {

constexpr std::size_t max_line_bytes = 8 * 1024;             // our own bound: a browser may announce a gigabyte
constexpr auto flush_time = std::chrono::milliseconds(500);  // after one side closed: for what is still to be passed on
constexpr auto quiet_time = std::chrono::milliseconds(20);   // without traffic for so long nothing is under way

[[noreturn]] void fail(boost::system::error_code code, std::string_view where) {
  // Stage and reason become metric labels and the controller's Cause; the rest is for the log.
  throw stage_error("lines", reason(code), code, std::string(where).append(": ").append(code.message()));
}

// Two coroutines, one per direction. Each takes something, passes it on, and only then takes more: that is the back-pressure, and it
// bounds the memory. Everything runs on one shard, so there are no locks.
class lines_relay {
 public:
  lines_relay(component_context& c, byte_stream& stream, asio::any_io_executor executor)
      : channel_(c.channel()),
        stream_(stream),
        gate_(c.gate()),
        limit_(std::min(max_line_bytes, channel_.max_message_bytes())),
        tasks_(std::move(executor), "lines") {}

  awaitable<component_end> run() {
    tasks_.spawn("to core", [this] { return direction(side::channel); });
    tasks_.spawn("to wic", [this] { return direction(side::stream); });
    co_await tasks_.join();  // throws the first failure; a cancel of the stage cancels both and waits for them
    co_return *end_;
  }

  // Without effect when the relay is ending already.
  void end(component_end why) {
    if (end_) return;
    end_ = why;
    tasks_.spawn("end", [this] { return end_when_quiet(); });
  }

  const component_counters& counters() const noexcept { return counters_; }

 private:
  awaitable<void> direction(side from) {
    try {
      if (from == side::channel) {
        co_await to_core();
      } else {
        co_await to_wic();
      }
    } catch (const stage_error&) {
      if (!end_) throw;  // the other side has closed before: lines that can no longer be delivered are no failure then
    }
    end(from == side::channel ? component_end::wic : component_end::core);
  }

  awaitable<void> to_core() {
    static constexpr std::string_view line_end = "\n";
    std::vector<message> batch;
    for (;;) {
      batch.clear();
      co_await gate_.passes(side::channel);  // StreamMode: what may not pass is not read, and waits at its sender
      const bool open = co_await channel_.receive(batch);
      if (!open) co_return;
      holding_from_wic_ = true;
      const scope_guard passed_on([this] { holding_from_wic_ = false; });
      co_await gate_.passes(side::channel);  // the gate may have closed while the read waited
      std::vector<bytes_view> pieces;        // the whole batch in one write: system calls are the main cost
      boost::system::error_code error;
      std::uint64_t octets = 0;
      for (const auto& one : batch) {
        const auto line = line_of(one, limit_);
        if (!line) {
          error = line.error();
          break;
        }
        pieces.push_back(msrp::as_bytes(*line));
        pieces.push_back(msrp::as_bytes(line_end));
        octets += line->size();
      }
      if (!pieces.empty()) co_await stream_.write(pieces);
      counters_.messages_from_wic += pieces.size() / 2;
      counters_.octets_from_wic += octets;
      if (error) fail(error, "from the channel");  // after the good lines that came before it
    }
  }

  awaitable<void> to_wic() {
    std::array<std::byte, 4096> buffer;
    for (;;) {
      co_await gate_.passes(side::stream);
      const std::size_t size = co_await stream_.read_some(buffer);
      holding_from_core_ = true;
      const scope_guard passed_on([this] { holding_from_core_ = false; });
      auto in = msrp::as_text(bytes_view(buffer.data(), size));
      for (;;) {
        const auto line = size == 0 ? lines_.last() : lines_.next(in);
        if (!line) fail(line.error(), "from the stream");
        if (!*line) break;
        co_await gate_.passes(side::stream);
        co_await channel_.send(msrp::as_bytes(**line), message_kind::text);  // waits while the WIC's window is full
        counters_.messages_to_wic += 1;
        counters_.octets_to_wic += (*line)->size();
      }
      if (size == 0) co_return;
    }
  }

  // What a direction holds is passed on, and what has already arrived is still taken; then everything ends. When the component asked for
  // the end, the component also decides how long that may take.
  awaitable<void> end_when_quiet() {
    const auto by = end_ == component_end::finished ? no_deadline : deadline_after(flush_time);
    for (auto before = moved();; before = moved()) {
      co_await sleep_until(std::min(by, deadline_after(quiet_time)));
      const bool quiet = !holding_from_wic_ && !holding_from_core_ && lines_.between_lines() && moved() == before;
      if (quiet || clock::now() >= by) break;
    }
    tasks_.cancel();
  }

  std::uint64_t moved() const noexcept { return counters_.messages_to_wic + counters_.messages_from_wic; }

  message_pipe& channel_;
  byte_stream& stream_;
  msrp::flow_gate& gate_;
  std::size_t limit_;
  line_splitter lines_{limit_};
  component_counters counters_;
  std::optional<component_end> end_;
  bool holding_from_wic_ = false;
  bool holding_from_core_ = false;
  task_group tasks_;  // last: its children refer to the members above
};

}  // namespace

awaitable<component_end> lines_stage(component_context& c) {
  byte_stream* const stream = co_await c.bearer();  // waits until the core side is up
  auto executor = co_await asio::this_coro::executor;
  lines_relay relay(c, *stream, std::move(executor));
  c.count_with([&relay] { return relay.counters(); });              // Subtract, audits and metrics read them at any time
  c.finish_with([&relay] { relay.end(component_end::finished); });  // Subtract: pass on what was taken, then end
  const scope_guard detach([&] {                                    // also when the stage fails: the relay is gone then
    c.count_with([last = relay.counters()] { return last; });
    c.finish_with(nullptr);
  });
  co_return co_await relay.run();
}

void add_stages(gateway::subprotocol_registry& registry) { registry.add("lines", lines_stage); }

}  // namespace agw::examples
