#include "channel/table.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/transports/error.hpp"
#include "channel/ppid.hpp"

namespace agw::sctp {

namespace {

// Messages below this size may cost usrsctp more than their bytes: their number is looked at once in so many.
constexpr std::size_t small_message_bytes = 512;
constexpr unsigned small_messages_between_checks = 256;
constexpr std::size_t max_queued_messages = 4096;
constexpr auto denied_reset_pause = std::chrono::milliseconds(200);
constexpr auto unanswered_reset_pause = std::chrono::seconds(10);
constexpr int max_reset_attempts = 5;

}  // namespace

channel_table::channel channel_table::find(std::uint16_t stream) const {
  const auto found = channels_.find(stream);
  return found == channels_.end() ? nullptr : found->second;
}

channel_table::channel channel_table::add(std::uint16_t stream) {
  auto c = std::make_shared<channel_state>(*this, stream, max_message_bytes());
  c->failure = failure_;
  channels_[stream] = c;
  return c;
}

std::size_t channel_table::max_message_bytes() const noexcept {
  const auto peer = options_.peer_max_message_bytes == 0 ? options_.send_buffer_bytes : options_.peer_max_message_bytes;
  return std::min(peer, options_.send_buffer_bytes);
}

void channel_table::on_established(std::uint16_t outgoing, std::uint16_t incoming) {
  outgoing_ = outgoing;
  incoming_ = incoming;
}

void channel_table::on_streams_changed(std::uint16_t outgoing, std::uint16_t incoming, bool refused) {
  outgoing_ = outgoing;
  incoming_ = incoming;
  if (refused) ++refusals_;
  announce();
}

bool channel_table::takes(std::uint16_t stream, std::uint32_t ppid) const {
  if (ppid == ppid::dcep) return true;
  const auto c = find(stream);
  if (!c || (!c->claimed && !c->dropping)) return unclaimed_bytes_ < options_.channel_buffer_bytes;
  return c->dropping || c->reset_requested || c->inbox_bytes < options_.channel_buffer_bytes;
}

void channel_table::on_message(std::uint16_t stream, std::uint32_t ppid, std::vector<std::byte> bytes) {
  auto c = find(stream);
  if (c && c->incoming_reset && c->reset_requested) {
    // The peer uses the id again: it has answered our reset, but the answer has not arrived yet.
    c->outgoing_reset = true;
    c->changed.set();
    if (c->claimed) {
      forget_if_finished(*c);
    } else {
      discard(*c);
    }
    c = find(stream);
  }
  if (!c) c = add(stream);
  if (ppid == ppid::dcep) return on_dcep(c, bytes);
  const bool empty = ppid == ppid::binary_empty || ppid == ppid::text_empty;
  const bool text = ppid == ppid::text || ppid == ppid::text_empty;
  if (!empty && !text && ppid != ppid::binary) {
    // Dropping a deprecated partial message would corrupt the rest of its message.
    count_drop("sctp", ppid == ppid::binary_partial || ppid == ppid::text_partial ? "partial-ppid" : "unknown-ppid");
    if (!c->claimed && !c->offered && c->inbox.empty()) return discard(*c);
    if (ppid == ppid::binary_partial || ppid == ppid::text_partial) refuse(stream);
    return;
  }
  if (empty) bytes.clear();
  if (c->dropping) return count_drop("sctp", "no-channel");
  if (c->reset_requested && c->inbox_bytes >= options_.channel_buffer_bytes) return count_drop("sctp", "after-close");
  const auto cost = bytes.size() + channel_state::message_overhead_bytes;
  ++c->statistics.messages_received;
  c->statistics.bytes_received += bytes.size();
  c->inbox_bytes += cost;
  c->inbox.emplace_back(text ? message_kind::text : message_kind::binary, std::move(bytes));
  c->readable.set();
  if (c->claimed) return;
  unclaimed_bytes_ += cost;
  if (c->unclaimed_until == no_deadline) c->unclaimed_until = deadline_after(options_.unclaimed_hold);
  host_.rearm();
}

void channel_table::claim(channel_state& c) {
  c.claimed = true;
  c.unclaimed_until = no_deadline;
  unclaimed_bytes_ -= std::min(unclaimed_bytes_, c.inbox_bytes);
  host_.resume_reading();
}

// This channel will not be read any more: its messages are freed, further ones are counted, the stream is reset.
void channel_table::discard(channel_state& c) {
  if (!c.claimed) unclaimed_bytes_ -= std::min(unclaimed_bytes_, c.inbox_bytes);
  c.dropping = true;
  c.offered.reset();
  c.unclaimed_until = no_deadline;
  c.inbox.clear();
  c.inbox_bytes = 0;
  start_close(c);
  forget_if_finished(c);
  host_.resume_reading();
}

void channel_table::refuse(std::uint16_t stream) {
  auto c = find(stream);
  if (!c) c = add(stream);
  c->dropping = true;
  if (!c->failure) {
    const stage_error lost("channel", "reset", make_error_code(transport_error::channel_reset), "a message could not be taken");
    c->failure = std::make_exception_ptr(lost);
  }
  start_close(*c);
  c->wake_all();
  forget_if_finished(*c);
}

void channel_table::start_close(channel_state& c) {
  if (std::exchange(c.reset_requested, true)) return;
  c.writable.set();
  c.retry_reset_at = deadline_after(unanswered_reset_pause);
  if (c.id >= outgoing_) {
    c.outgoing_reset = true;  // there is no such stream of ours
  } else if (!host_.request_reset(c.id)) {
    // The peer does not support RE-CONFIG: it will not reset its stream either.
    c.outgoing_reset = true;
    c.incoming_reset = true;
  }
  if (c.outgoing_reset) c.wake_all();
  host_.rearm();
  forget_if_finished(c);
}

void channel_table::on_incoming_reset(std::uint16_t stream) {
  const auto c = find(stream);
  if (!c) return;
  c->incoming_reset = true;
  c->wake_all();
  start_close(*c);
  // An OPEN that was not claimed in time.
  if (!c->claimed && c->inbox.empty()) discard(*c);
  forget_if_finished(*c);
}

void channel_table::on_outgoing_reset(std::uint16_t stream, bool performed) {
  const auto c = find(stream);
  if (!c || !c->reset_requested || c->outgoing_reset) return;
  if (!performed) {
    c->retry_reset_at = deadline_after(denied_reset_pause);
    return host_.rearm();
  }
  c->outgoing_reset = true;
  c->retry_reset_at = no_deadline;
  c->changed.set();
  forget_if_finished(*c);
}

void channel_table::forget_if_finished(channel_state& c) {
  if (!c.finished() || (!c.claimed && !c.dropping)) return;
  const auto found = channels_.find(c.id);
  if (found == channels_.end() || found->second.get() != &c) return;
  const auto keep = found->second;
  channels_.erase(found);
  c.table = nullptr;
  c.wake_all();
  announce();
}

void channel_table::release(channel_state& c) {
  const auto keep = c.shared_from_this();
  discard(c);
}

void channel_table::taken(channel_state&) { host_.resume_reading(); }

bool channel_table::room_for_small(std::size_t bytes) {
  if (bytes >= small_message_bytes || ++small_since_check_ < small_messages_between_checks) return true;
  if (host_.queued() >= max_queued_messages) {
    small_since_check_ = small_messages_between_checks;
    return false;
  }
  small_since_check_ = 0;
  return true;
}

void channel_table::enqueue(channel_state& c, bool first) {
  c.writable.reset();
  if (std::exchange(c.queued_to_send, true)) return;
  if (first) {
    waiting_.push_front(c.weak_from_this());
  } else {
    waiting_.push_back(c.weak_from_this());
  }
}

bool channel_table::try_send(channel_state& c, bytes_view bytes, message_kind kind) {
  if (c.reset_requested || c.incoming_reset) throw stage_error("channel", "reset", make_error_code(transport_error::channel_reset));
  if (bytes.size() > c.max_message_bytes) {
    throw stage_error("channel", "too-large", boost::system::errc::make_error_code(boost::system::errc::message_size));
  }
  const auto granted = granted_.lock();
  const bool mine = granted.get() == &c;
  if (!mine && (granted || !waiting_.empty())) {
    enqueue(c, false);
    return false;
  }
  static constexpr std::byte nothing{};
  send_options options;
  options.stream = c.id;
  options.ordered = c.ordered;
  options.policy = c.policy;
  options.parameter = c.parameter;
  options.ppid = ppid::of(kind, bytes.empty());
  const auto body = bytes.empty() ? bytes_view(&nothing, 1) : bytes;  // SCTP has no empty message (RFC 8831, 6.6)
  const auto outcome =
      control_.empty() && room_for_small(bytes.size()) ? host_.transmit(body, options) : send_outcome::full;
  if (mine) granted_.reset();
  if (outcome == send_outcome::failed) {
    if (c.failure) std::rethrow_exception(c.failure);
    throw stage_error("sctp", "abort", make_error_code(transport_error::usrsctp));
  }
  if (outcome == send_outcome::full) {
    enqueue(c, mine);
    return false;
  }
  ++c.statistics.messages_sent;
  c.statistics.bytes_sent += bytes.size();
  if (!granted_.lock()) grant_next();
  return true;
}

// The channel that waits longest gets the next message's turn. When it does not use the turn at once (its coroutine was cancelled)
// the next one gets it: its wake-up was posted before this.
void channel_table::grant_next() {
  while (!waiting_.empty()) {
    const auto c = waiting_.front().lock();
    waiting_.pop_front();
    if (!c) continue;
    c->queued_to_send = false;
    if (c->reset_requested) continue;
    granted_ = c;
    c->writable.set();
    asio::post(executor_, [this, alive = alive_, turn = ++grant_] {
      if (!*alive || turn != grant_ || !granted_.lock()) return;
      granted_.reset();
      grant_next();
    });
    return;
  }
}

void channel_table::on_room() {
  flush_control();
  if (control_.empty() && !granted_.lock()) grant_next();
}

void channel_table::control(std::uint16_t stream, std::vector<std::byte> bytes) {
  control_.emplace_back(stream, std::move(bytes));
  flush_control();
}

void channel_table::flush_control() {
  while (!control_.empty()) {
    send_options options;
    options.stream = control_.front().first;
    options.ppid = ppid::dcep;
    if (host_.transmit(control_.front().second, options) == send_outcome::full) return;
    control_.pop_front();
  }
}

void channel_table::expire(clock::time_point now) {
  const auto channels = channels_;
  for (const auto& [id, c] : channels) {
    if (c->unclaimed_until <= now) {
      count_drop(c->offered ? "dcep" : "sctp", c->offered ? "unmatched" : "unclaimed");
      discard(*c);
    } else if (c->reset_requested && !c->outgoing_reset && c->retry_reset_at <= now) {
      c->retry_reset_at = deadline_after(unanswered_reset_pause);
      if (++c->reset_attempts < max_reset_attempts) {
        host_.request_reset(id);
      } else {
        c->outgoing_reset = true;
        c->changed.set();
        forget_if_finished(*c);
      }
    }
  }
}

deadline channel_table::next_deadline() const noexcept {
  auto next = no_deadline;
  for (const auto& [id, c] : channels_) {
    next = std::min(next, c->unclaimed_until);
    if (c->reset_requested && !c->outgoing_reset) next = std::min(next, c->retry_reset_at);
  }
  return next;
}

std::vector<std::uint16_t> channel_table::open_streams() const {
  std::vector<std::uint16_t> ids;
  for (const auto& [id, c] : channels_) ids.push_back(id);
  return ids;
}

void channel_table::fail(std::exception_ptr error) {
  if (failure_) return;
  failure_ = error;
  for (const auto& [id, c] : channels_) {
    c->failure = error;
    c->wake_all();
  }
  for (auto* e : expectations_) e->done.set();
  announce();
}

void channel_table::detach() {
  for (const auto& [id, c] : channels_) c->table = nullptr;
  channels_.clear();
  waiting_.clear();
}

void channel_table::announce() {
  for (auto* watcher : watchers_) watcher->set();
}

}  // namespace agw::sctp
