#include "agw/msrp/relay.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "agw/core/error.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/until.hpp"

namespace agw::msrp {
namespace {

constexpr std::size_t first_read_bytes = 4 * 1024;
constexpr unsigned small_reads_before_shrinking = 16;

rechunker_config make_rechunker_config(const relay_config& config, const message_pipe& channel) {
  rechunker_config out;
  out.max_message_bytes = std::min(config.max_message_bytes, channel.max_message_bytes());
  out.limits = config.limits;
  return out;
}

[[noreturn]] void fail(boost::system::error_code code, std::string_view where) {
  throw stage_error("msrp", reason(code), code, std::string(where).append(": ").append(code.message()));
}

}  // namespace

relay::relay(relay_config config, message_pipe& channel, byte_stream& stream, flow_gate& gate)
    : config_(std::move(config)),
      channel_(channel),
      stream_(stream),
      gate_(gate),
      rechunker_(make_rechunker_config(config_, channel), config_.paths, splits_, counters_.to_channel),
      checker_(config_.limits, config_.paths, splits_, counters_.to_stream, channel.max_message_bytes()) {}

// A session that another connection has stays its own: requests for it are refused here.
void relay::bind_sessions() {
  auto& paths = config_.paths;
  if (!config_.sessions || paths.mode == relay_mode::agnostic) return;
  paths.sessions = config_.sessions.get();
  channel_session_ = config_.sessions->bind(last_uri(paths.channel.own));
  stream_session_ = config_.sessions->bind(last_uri(paths.stream.own));
  paths.channel.in_use = !channel_session_.holds();
  // The controller may have given both sides one path.
  const bool shared = channel_session_.holds() && equivalent(last_uri(paths.channel.own), last_uri(paths.stream.own));
  paths.stream.in_use = !stream_session_.holds() && !shared;
}

awaitable<std::optional<side>> relay::run() {
  bind_sessions();
  task_group group(co_await asio::this_coro::executor, "msrp");
  group_ = &group;
  const scope_guard no_group([this] { group_ = nullptr; });
  group.spawn("to channel", [this] { return direction(side::stream); });
  group.spawn("to stream", [this] { return direction(side::channel); });
  co_await group.join();
  co_return closed_;
}

void relay::finish() {
  if (!group_ || std::exchange(finishing_, true)) return;
  group_->spawn("finish", [this] { return end_when_quiet(); });
}

// Octets that have arrived but were not read yet show within a turn of the loop or two; 20 ms is some hundred of them.
awaitable<void> relay::end_when_quiet() {
  constexpr auto quiet = std::chrono::milliseconds(20);
  for (auto seen = counters_.to_channel.bytes + counters_.to_stream.bytes;;) {
    co_await sleep_until(deadline_after(quiet));
    const auto now = counters_.to_channel.bytes + counters_.to_stream.bytes;
    const bool idle = idle_from_channel_ && idle_from_stream_ && rechunker_.between_chunks() && now == seen;
    if (idle) break;
    seen = now;
  }
  group_->cancel();
}

awaitable<void> relay::direction(side from) {
  try {
    if (from == side::stream) {
      co_await to_channel();
    } else {
      co_await to_stream();
    }
  } catch (const stage_error&) {
    // The session has ended already: a pipe that no longer takes its last octets is no failure.
    if (!closed_) throw;
  }
  closed_by(from);
}

// Called by a direction whose input has ended, when all of it was passed on.
void relay::closed_by(side s) {
  // When the other direction has ended or holds nothing, there is nothing left to wait for.
  const bool over = closed_ || (s == side::stream ? idle_from_channel_ : idle_from_stream_);
  if (!closed_) closed_ = s;
  if (over) {
    group_->cancel();
    return;
  }
  group_->spawn("flush", [this]() -> awaitable<void> {
    co_await sleep_until(deadline_after(config_.flush));
    group_->cancel();
  });
}

awaitable<void> relay::to_channel() {
  buffer_.resize(std::min(first_read_bytes, config_.max_read_bytes));
  while (!closed_) {
    std::size_t size = 0;
    {
      idle_from_stream_ = true;
      const scope_guard not_idle([this] { idle_from_stream_ = false; });
      co_await gate_.passes(side::stream);
      size = co_await stream_.read_some(buffer_);
    }
    if (size == 0) break;
    co_await gate_.passes(side::stream);
    bytes_view in(buffer_.data(), size);
    for (;;) {
      const auto out = rechunker_.next(in);
      if (!out) fail(out.error(), "from the stream");
      if (!*out) break;
      if ((*out)->to == side::channel) {
        co_await send_channel((*out)->head);
      } else {
        std::vector<bytes_view> pieces(1, (*out)->head);
        co_await write_stream(std::move(pieces));
      }
    }
    grow_or_shrink(size);
  }
  if (!closed_ || *closed_ == side::stream) {
    // A chunk that the stream did not finish is aborted, not left open.
    if (const auto last = rechunker_.finish()) co_await send_channel(last->head);
  }
}

awaitable<void> relay::to_stream() {
  std::vector<message> batch;
  std::deque<std::string> rewritten;
  while (!closed_) {
    batch.clear();
    rewritten.clear();
    bool more = false;
    {
      idle_from_channel_ = true;
      const scope_guard not_idle([this] { idle_from_channel_ = false; });
      co_await gate_.passes(side::channel);
      more = co_await channel_.receive(batch);
    }
    co_await gate_.passes(side::channel);
    std::vector<bytes_view> pieces;
    boost::system::error_code error;
    for (const auto& one : batch) {
      const auto out = checker_.check(one.bytes);
      if (!out) {
        error = out.error();
        break;
      }
      if (!*out) continue;
      if ((*out)->to == side::channel) {
        co_await send_channel((*out)->head);
        continue;
      }
      // The checker's next call overwrites its own text.
      const bool own = (*out)->head.data() != one.bytes.data();
      pieces.push_back(own ? as_bytes(rewritten.emplace_back(as_text((*out)->head))) : (*out)->head);
      if (!(*out)->rest.empty()) pieces.push_back((*out)->rest);
    }
    if (!pieces.empty()) co_await write_stream(std::move(pieces));
    if (error) fail(error, "from the channel");
    if (!more) break;
  }
}

// A pipe takes one writer at a time, and both directions may write to it: at most one of them waits.
awaitable<void> relay::writer::acquire() {
  while (taken_) co_await free_.wait();
  free_.reset();
  taken_ = true;
}

void relay::writer::release() {
  taken_ = false;
  free_.set();
}

awaitable<void> relay::write_stream(std::vector<bytes_view> pieces) {
  co_await stream_writer_.acquire();
  const scope_guard done([this] { stream_writer_.release(); });
  co_await stream_.write(pieces);
}

awaitable<void> relay::send_channel(bytes_view message) {
  co_await channel_writer_.acquire();
  const scope_guard done([this] { channel_writer_.release(); });
  co_await channel_.send(message, message_kind::binary);
}

void relay::grow_or_shrink(std::size_t read) {
  const auto size = buffer_.size();
  if (read == size && size < config_.max_read_bytes) {
    buffer_.resize(std::min(size * 4, config_.max_read_bytes));
    small_reads_ = 0;
  } else if (read >= size / 4) {
    small_reads_ = 0;
  } else if (size > first_read_bytes && ++small_reads_ == small_reads_before_shrinking) {
    std::vector<std::byte>(size / 4).swap(buffer_);
    small_reads_ = 0;
  }
}

}  // namespace agw::msrp
