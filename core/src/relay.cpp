#include "agw/core/relay.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "agw/core/bytes.hpp"
#include "agw/core/error.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/until.hpp"

namespace agw {
namespace {

constexpr std::size_t first_read_bytes = 1024;  // what an idle call keeps
constexpr unsigned small_reads_before_shrinking = 16;
// Octets that have arrived but were not read yet show within a turn of the loop or two; this is some hundred of them.
constexpr auto quiet_time = std::chrono::milliseconds(20);

bool inside(bytes_view part, bytes_view whole) noexcept {
  const std::less_equal<const std::byte*> before;
  return before(whole.data(), part.data()) && before(part.data() + part.size(), whole.data() + whole.size());
}

[[noreturn]] void refuse(std::string_view stage, const malformed& what, side from) {
  throw stage_error(stage, what.reason, what.code, std::string("from ").append(name_of(from)).append(": ").append(what.text));
}

}  // namespace

relay::relay(relay_config config, translator& translates, message_pipe& channel, byte_stream& stream, flow_gate& gate)
    : config_(config),
      translator_(translates),
      channel_(channel),
      stream_(stream),
      gate_(gate),
      ending_(config.name, config.flush) {}

void relay::output::to_core(bytes_view octets) {
  if (octets.empty()) return;
  pieces.push_back(inside(octets, stays) ? octets : as_bytes(copies.emplace_back(as_text(octets))));
}

awaitable<std::optional<side>> relay::run() {
  const scope_guard no_group([this] { group_ = nullptr; });
  auto both = [this](task_group& group) {
    group_ = &group;
    group.spawn("from wic", [this] { return direction(side::wic); });
    group.spawn("from core", [this] { return direction(side::core); });
  };
  co_await join_all(std::string(config_.name), std::move(both));
  if (ending_.error()) std::rethrow_exception(ending_.error());
  co_return ending_.closed_first();
}

void relay::finish() {
  if (!group_ || ending_.over()) return;
  ending_.finish();
  wind_up();
}

relay_counters relay::counters() const {
  auto out = counters_;
  const auto units = translator_.units();
  out.chunks_forwarded = units.forwarded;
  out.chunks_rejected = units.rejected;
  return out;
}

awaitable<void> relay::direction(side from) {
  auto how = flow::failed;
  std::exception_ptr error;
  try {
    if (from == side::wic) {
      how = co_await from_wic();
    } else {
      how = co_await from_core();
    }
    error = from == side::wic ? stream_error_ : channel_error_;
  } catch (const stage_error&) {
    error = std::current_exception();
  }
  ending_.ended(from, how, std::move(error), clock::now());
  if (ending_.nobody_takes()) {
    group_->spawn("end of wic", [this] { return read_to_the_end(side::wic); });
    group_->spawn("end of core", [this] { return read_to_the_end(side::core); });
  }
  wind_up();
}

awaitable<void> relay::read_to_the_end(side from) {
  auto how = flow::closed;
  std::exception_ptr error;
  try {
    if (from == side::wic) {
      for (std::vector<message> dropped; co_await channel_.receive(dropped);) dropped.clear();
    } else {
      while (co_await stream_.read_some(buffer_) > 0) {
      }
    }
  } catch (const stage_error&) {
    how = flow::failed;
    error = std::current_exception();
  }
  ending_.ended(from, how, std::move(error), clock::now());
  wind_up();
}

void relay::wind_up() {
  if (ending_.over()) {
    group_->cancel();
  } else if (!std::exchange(lingers_, true)) {
    group_->spawn("linger", [this] { return linger(); });
  }
}

awaitable<void> relay::linger() {
  while (!ending_.over()) {
    const auto before = moved_;
    co_await sleep_until(std::min(ending_.look_by(), deadline_after(quiet_time)));
    ending_.look(look(moved_ != before), clock::now());
  }
  group_->cancel();
}

relay_ending::view relay::look(bool moved) const {
  relay_ending::view seen;
  const bool from_wic = ending_.open(side::wic);
  const bool from_core = ending_.open(side::core);
  seen.held = (from_wic && !wic_waits_) || (from_core && !core_waits_);
  seen.gated = (from_wic && !gate_.open(side::wic)) || (from_core && !gate_.open(side::core));
  // A unit that the core has begun is waited for as long as there is a WIC for it.
  const bool unfinished = from_wic && from_core && !translator_.between_units();
  seen.quiet = !moved && !seen.held && !unfinished;
  return seen;
}

awaitable<relay::flow> relay::from_wic() {
  std::vector<message> batch;
  output out;
  for (bool open = true; open;) {
    batch.clear();
    {
      wic_waits_ = true;
      const scope_guard reads([this] { wic_waits_ = false; });
      co_await gate_.passes(side::wic);
      open = co_await channel_.receive(batch);
    }
    ++moved_;
    if (!batch.empty()) co_await gate_.passes(side::wic);
    std::optional<malformed> bad;
    for (const auto& one : batch) {
      ++counters_.messages_from_wic;
      counters_.octets_from_wic += one.bytes.size();
      out.stays = one.bytes;
      const auto good = translator_.from_wic(one, out);
      if (!good) bad = good.error();
      if (!out.messages.empty()) co_await pass_messages(side::wic, out);
      if (bad) break;
    }
    out.stays = {};
    if (!open) {
      const auto good = translator_.closed(side::wic, out);
      if (!good) bad = good.error();
      if (!out.messages.empty()) co_await pass_messages(side::wic, out);
    }
    if (!out.pieces.empty()) {
      const bool taken = co_await pass_octets(side::wic, out);
      if (!taken) co_return flow::undeliverable;
    }
    if (bad) refuse(config_.name, *bad, side::wic);
  }
  co_return flow::closed;
}

awaitable<relay::flow> relay::from_core() {
  output out;
  buffer_.resize(std::min(first_read_bytes, config_.max_read_bytes));
  for (;;) {
    std::size_t size = 0;
    {
      core_waits_ = true;
      const scope_guard reads([this] { core_waits_ = false; });
      co_await gate_.passes(side::core);
      size = co_await stream_.read_some(buffer_);
    }
    ++moved_;
    if (size > 0) co_await gate_.passes(side::core);
    bytes_view in(buffer_.data(), size);
    for (bool more = true; more;) {
      const auto good = size > 0 ? translator_.from_core(in, out) : translator_.closed(side::core, out);
      more = size > 0 && (!in.empty() || !out.empty());
      if (!out.messages.empty()) {
        const bool taken = co_await pass_messages(side::core, out);
        if (!taken) co_return flow::undeliverable;
      }
      if (!out.pieces.empty()) co_await pass_octets(side::core, out);
      if (!good) refuse(config_.name, good.error(), side::core);
    }
    if (size == 0) co_return flow::closed;
    grow_or_shrink(size);
  }
}

// False: the channel takes nothing any more.
awaitable<bool> relay::pass_messages(side from, output& out) {
  for (const auto& one : out.messages) {
    if (one.bytes.size() > channel_.max_message_bytes()) {
      refuse(config_.name, malformed::too_large("a message of " + std::to_string(one.bytes.size()) + " octets for the WIC"),
             from);
    }
    if (!gate_.open(from)) co_await gate_.passes(from);
    try {
      const bool sent = !channel_writer_.taken && channel_.try_send(one.bytes, one.kind);
      if (!sent) co_await send(one.bytes, one.kind);
    } catch (const stage_error&) {
      channel_error_ = std::current_exception();
      break;
    }
    ++moved_;
    ++counters_.messages_to_wic;
    counters_.octets_to_wic += one.bytes.size();
  }
  out.messages.clear();
  co_return !channel_error_;
}

// False: the stream takes nothing any more.
awaitable<bool> relay::pass_octets(side from, output& out) {
  if (!gate_.open(from)) co_await gate_.passes(from);
  try {
    co_await write(out.pieces);
    ++moved_;
  } catch (const stage_error&) {
    stream_error_ = std::current_exception();
  }
  out.pieces.clear();
  out.copies.clear();
  co_return !stream_error_;
}

awaitable<void> relay::send(bytes_view message, message_kind kind) {
  while (channel_writer_.taken) co_await channel_writer_.free.wait();
  const writing mine(channel_writer_);
  co_await channel_.send(message, kind);
}

awaitable<void> relay::write(std::vector<bytes_view>& pieces) {
  while (stream_writer_.taken) co_await stream_writer_.free.wait();
  const writing mine(stream_writer_);
  co_await stream_.write(pieces);
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

}  // namespace agw
