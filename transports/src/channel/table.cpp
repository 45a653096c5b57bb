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
// What a peer may have begun on streams that no user holds, and what a peer that answers no reset leaves behind.
constexpr std::size_t max_streams_in_use = 4096;
constexpr std::uint32_t turn_cost = 1 << 16;  // of a message, divided by its channel's priority

stage_error lost(const char* reason, transport_error code, const char* text) {
  return stage_error("channel", reason, make_error_code(code), text);
}

}  // namespace

channel_table::channel channel_table::find(std::uint16_t stream) const {
  const auto found = channels_.find(stream);
  return found == channels_.end() ? nullptr : found->second;
}

channel_table::channel channel_table::add(std::uint16_t stream) {
  auto c = std::make_shared<channel_state>(*this, ledger_, stream, max_message_bytes());
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

void channel_table::on_message(std::uint16_t stream, std::uint32_t ppid, std::vector<std::byte> bytes) {
  auto c = find(stream);
  if (c && c->machine.used_again()) {
    c->changed.set();
    if (c->machine.unclaimed()) {
      discard(*c);
    } else {
      forget_if_finished(*c);
    }
    c = find(stream);
  }
  if (!c && channels_.size() >= max_streams_in_use) return count_drop("sctp", "too-many-streams");
  if (!c) c = add(stream);
  if (ppid == ppid::dcep) return on_dcep(c, bytes);
  const bool empty = ppid == ppid::binary_empty || ppid == ppid::text_empty;
  const bool text = ppid == ppid::text || ppid == ppid::text_empty;
  if (!empty && !text && ppid != ppid::binary) {
    // Dropping a deprecated partial message would corrupt the rest of its message.
    count_drop("sctp", ppid == ppid::binary_partial || ppid == ppid::text_partial ? "partial-ppid" : "unknown-ppid");
    if (c->machine.phase() == channel_phase::early && c->inbox.empty()) return discard(*c);
    if (ppid == ppid::binary_partial || ppid == ppid::text_partial) refuse(stream);
    return;
  }
  if (empty) bytes.clear();
  if (c->machine.refused()) return count_drop("sctp", "no-channel");
  ++c->statistics.messages_received;
  c->statistics.bytes_received += bytes.size();
  c->held.add(channel_state::cost_of(bytes.size()));
  c->inbox.emplace_back(text ? message_kind::text : message_kind::binary, std::move(bytes));
  c->readable.set();
  if (c->machine.unclaimed()) wait_for_user(*c);
  after_hold();
}

void channel_table::wait_for_user(channel_state& c) {
  c.machine.wait_for_user(deadline_after(options_.unclaimed_hold));
  host_.rearm_by(c.machine.unclaimed_until());
}

bool channel_table::hold_part(std::uint16_t stream, std::size_t bytes) {
  auto c = find(stream);
  if (!c && channels_.size() >= max_streams_in_use) return false;
  if (!c) c = add(stream);
  if (c->machine.refused()) return false;
  c->held.add(bytes);
  if (c->machine.unclaimed()) wait_for_user(*c);
  after_hold();
  return !c->machine.refused();
}

void channel_table::release_part(std::uint16_t stream, std::size_t bytes) {
  if (const auto c = find(stream)) c->held.remove(bytes, false);
}

void channel_table::after_hold() {
  if (ledger_->beyond_all_bounds()) close_overdue(clock::now());
  const auto next = ledger_->next_deadline();
  if (next != no_deadline) host_.rearm_by(next);
}

void channel_table::close_overdue(clock::time_point now) {
  while (auto* const account = ledger_->overdue(now)) {
    auto& c = account->holder();
    const auto keep = c.shared_from_this();
    count_drop("sctp", "blocked-channel");
    if (c.failed_alone) c.failure = nullptr;  // a reset had left it what it had received before, which is lost now
    fail_alone(c, lost("blocked", transport_error::channel_blocked, "what it held was not taken in time"));
    if (c.table) {
      discard(c);
    } else {
      c.inbox.clear();
      c.held.clear();
      c.wake_all();
      host_.window_changed();
    }
  }
}

void channel_table::fail_alone(channel_state& c, const stage_error& error) {
  if (c.failure) return;
  c.failed_alone = true;
  c.failure = std::make_exception_ptr(error);
}

// This channel will not be read any more: its messages are freed, further ones are counted, the stream is reset.
void channel_table::discard(channel_state& c) {
  c.machine.refuse();
  c.offered.reset();
  host_.discard_parts(c.id);
  c.inbox.clear();
  c.held.clear();
  start_close(c);
  c.wake_all();
  forget_if_finished(c);
  host_.window_changed();
}

// Here what the channel has received before stays for its user.
void channel_table::refuse(std::uint16_t stream) {
  auto c = find(stream);
  if (!c) c = add(stream);
  if (c->machine.unclaimed()) return discard(*c);
  c->machine.refuse();
  fail_alone(*c, lost("reset", transport_error::channel_reset, "a message could not be taken"));
  start_close(*c);
  c->wake_all();
  forget_if_finished(*c);
}

void channel_table::start_close(channel_state& c) {
  if (!c.machine.close(clock::now())) return;
  c.writable.set();
  if (c.id >= outgoing_) {
    c.machine.closed_alone(false);  // there is no such stream of ours
  } else if (!host_.request_reset(c.id)) {
    c.machine.closed_alone(true);
  }
  if (c.machine.outgoing() == channel_direction::reset) c.wake_all();
  host_.rearm_by(c.machine.next_deadline());
  forget_if_finished(c);
}

void channel_table::on_incoming_reset(std::uint16_t stream) {
  const auto c = find(stream);
  if (!c) return;
  c->machine.on_incoming_reset();
  c->wake_all();
  start_close(*c);
  // An OPEN that was not claimed in time.
  if (c->machine.unclaimed() && c->inbox.empty()) discard(*c);
  forget_if_finished(*c);
}

void channel_table::on_outgoing_reset(std::uint16_t stream, bool performed) {
  const auto c = find(stream);
  if (!c) return;
  if (c->machine.on_outgoing_reset(performed, clock::now())) {
    c->changed.set();
    forget_if_finished(*c);
  } else {
    host_.rearm_by(c->machine.next_deadline());
  }
}

void channel_table::forget_if_finished(channel_state& c) {
  if (!c.machine.forgettable()) return;
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
  c.turns = std::max(c.turns, turns_);  // turns that were not used are not saved up
  if (first) {
    waiting_.push_front(c.weak_from_this());
  } else {
    waiting_.push_back(c.weak_from_this());
  }
}

bool channel_table::try_send(channel_state& c, bytes_view bytes, message_kind kind) {
  if (!c.machine.sends()) throw stage_error("channel", "reset", make_error_code(transport_error::channel_reset));
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
  options.ordered = c.transfer.ordered;
  options.policy = c.transfer.policy;
  options.parameter = c.transfer.parameter;
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
  c.turns += turn_cost / std::max<std::uint32_t>(c.transfer.priority, 1);
  ++c.statistics.messages_sent;
  c.statistics.bytes_sent += bytes.size();
  // Later, so that this channel may wait for its next turn, too.
  if (!waiting_.empty()) {
    asio::post(executor_, [this, alive = alive_] {
      if (*alive && !granted_.lock()) grant_next();
    });
  }
  return true;
}

// The next message's turn goes to the channel that has had the fewest for its priority (RFC 8831, 6.4: weighted fair queueing; here by
// messages), and among equals to the one that waits longest. When it does not use the turn at once (its coroutine was cancelled) the next
// one gets it: its wake-up was posted before this.
void channel_table::grant_next() {
  const auto gone = [](const auto& weak) {
    const auto c = weak.lock();
    if (c && !c->machine.closing()) return false;
    if (c) c->queued_to_send = false;
    return true;
  };
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), gone), waiting_.end());
  const auto next = std::ranges::min_element(waiting_, {}, [](const auto& weak) { return weak.lock()->turns; });
  if (next == waiting_.end()) return;
  const auto c = next->lock();
  waiting_.erase(next);
  c->queued_to_send = false;
  turns_ = c->turns;
  granted_ = c;
  c->writable.set();
  asio::post(executor_, [this, alive = alive_, turn = ++grant_] {
    if (!*alive || turn != grant_ || !granted_.lock()) return;
    granted_.reset();
    grant_next();
  });
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
  // Copied: what is done to one channel may remove it, and others.
  std::vector<std::pair<std::uint16_t, channel>> due;
  for (const auto& entry : channels_) {
    if (entry.second->machine.next_deadline() <= now) due.push_back(entry);
  }
  for (const auto& [id, c] : due) {
    switch (c->machine.expire(now)) {
      case expiry::nothing: break;
      case expiry::unclaimed:
        count_drop(c->offered ? "dcep" : "sctp", c->offered ? "unmatched" : "unclaimed");
        discard(*c);
        break;
      case expiry::reset_again: host_.request_reset(id); break;
      case expiry::reset_given_up:
        c->changed.set();
        forget_if_finished(*c);
        break;
    }
  }
  close_overdue(now);
}

deadline channel_table::next_deadline() const {
  auto next = ledger_->next_deadline();
  for (const auto& [id, c] : channels_) next = std::min(next, c->machine.next_deadline());
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
    if (!c->failure) c->failure = error;
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
