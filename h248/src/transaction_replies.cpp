#include <agw/h248/transaction_replies.hpp>

#include <algorithm>

#include <agw/core/metrics.hpp>
#include <agw/h248/reply_size.hpp>

namespace agw::h248 {

reply_table::association* reply_table::find(const mid& sender) {
  const auto at = associations_.find(to_text(sender));
  return at == associations_.end() ? nullptr : &at->second;
}

// Null when there are too many, and none that is idle.
reply_table::association* reply_table::find_or_make(const mid& sender) {
  auto name = to_text(sender);
  if (const auto at = associations_.find(name); at != associations_.end()) {
    by_use_.splice(by_use_.end(), by_use_, at->second.used);
    return &at->second;
  }
  if (associations_.size() >= config_.max_peers) {
    const auto idle = std::ranges::find_if(by_use_, [](const association* a) { return a->transactions.empty() && a->references == 0; });
    if (idle == by_use_.end()) return nullptr;
    const auto gone = (*idle)->name;
    by_use_.erase(idle);
    associations_.erase(gone);
  }
  auto& made = associations_[name];
  made.name = std::move(name);
  made.used = by_use_.insert(by_use_.end(), &made);
  return &made;
}

reply_table::transaction_entry* reply_table::entry(const reference& r) {
  const auto at = r.of->transactions.find(r.id);
  return at != r.of->transactions.end() && at->second.execution == r.execution ? &at->second : nullptr;
}

execution_id reply_table::on_request(const peer_address& from, const mid& sender, std::uint8_t version, transaction_id id,
                                     std::uint64_t digest, clock::time_point now) {
  trim(now);
  auto* of = find_or_make(sender);
  if (of == nullptr) {
    count_drop("h248", "too-many-peers");
    return 0;
  }
  if (const auto at = of->transactions.find(id.value); at != of->transactions.end()) {
    if (at->second.running || at->second.digest == digest) {
      at->second.from = from;
      repeat(*of, id.value, at->second, now);
      return 0;
    }
    drop_reply(at->second);
    of->transactions.erase(at);
  }
  if (running_.size() >= config_.max_running || of->running >= config_.max_running_per_peer) {
    count_drop("h248", "too-many-transactions");
    return 0;
  }
  const auto execution = ++last_execution_;
  auto& made = of->transactions[id.value];
  made.execution = execution;
  made.from = from;
  made.version = version;
  made.digest = digest;
  made.at = timers_.emplace(now + first_pending(), execution);
  running_.emplace(execution, reference{of, id.value, execution, {}});
  ++of->running;
  return execution;
}

void reply_table::repeat(association&, std::uint32_t id, transaction_entry& e, clock::time_point now) {
  ++repeated_requests_;
  if (!e.running) {
    send(e);  // nothing, once the reply was acknowledged
    return;
  }
  // Tell the peer to wait longer, but not for each of a burst of copies; those count towards the limit.
  if (e.pendings >= config_.sent_pending_limit || (e.pendings > 0 && now - e.last_pending < config_.min_timeout)) return;
  send_pending(id, e, now);
}

void reply_table::send_pending(std::uint32_t id, transaction_entry& e, clock::time_point now) {
  ++e.pendings;
  ++pendings_;
  e.last_pending = now;
  outbox_.push_reply(e.from, e.version, outbox_.encode(transaction(transaction_pending{{id}}), e.version));
}

void reply_table::on_ack(const mid& sender, const ack_range& range, clock::time_point now) {
  trim(now);
  auto* of = find(sender);
  if (of == nullptr || range.last < range.first) return;
  auto at = of->transactions.lower_bound(range.first.value);
  for (; at != of->transactions.end() && at->first <= range.last.value; ++at) {
    if (!at->second.running) drop_reply(at->second);
  }
}

void reply_table::on_segment_ack(const mid& sender, transaction_id id, const reply_segment& segment) {
  auto* of = find(sender);
  if (of == nullptr) return;
  const auto at = of->transactions.find(id.value);
  if (at == of->transactions.end() || segment.number == 0 || segment.number > at->second.reply.size()) return;
  auto& arrived = at->second.reply[segment.number - 1];
  if (arrived) reply_bytes_ -= arrived->size();
  arrived.reset();
}

void reply_table::send(const transaction_entry& e) {
  for (const auto& text : e.reply) {
    if (text) outbox_.push_reply(e.from, e.version, text);
  }
}

void reply_table::drop_reply(transaction_entry& e) {
  for (const auto& text : e.reply) reply_bytes_ -= text ? text->size() : 0;
  e.reply.clear();
}

void reply_table::finish(association& of, std::uint32_t id, transaction_entry& e, std::vector<shared_text> texts, clock::time_point now) {
  e.running = false;
  timers_.erase(e.at);
  running_.erase(e.execution);
  --of.running;
  e.reply = std::move(texts);
  for (const auto& text : e.reply) reply_bytes_ += text->size();
  send(e);
  finished_.push_back({&of, id, e.execution, now});
  replies_.push_back(finished_.back());
  of.references += 2;
  trim(now);
}

std::pair<reply_table::transaction_entry*, std::uint32_t> reply_table::running(execution_id execution) const {
  const auto at = running_.find(execution);
  if (at == running_.end()) return {};
  return {entry(at->second), at->second.id};
}

void reply_table::answer(execution_id execution, transaction_reply reply, clock::time_point now) {
  const auto [e, id] = running(execution);
  if (!e) return;
  reply.id = {id};
  reply.immediate_ack = wants_ack(*e);
  finish(*running_.at(execution).of, id, *e, texts_of(*e, reply), now);
}

std::optional<reply_cutter> reply_table::long_reply(execution_id execution, const transaction_reply& reply) const {
  const auto [e, id] = running(execution);
  if (!e || !may_segment(*e) || octets_of(reply) <= room_of(*e)) return std::nullopt;
  return cutter(*e, reply);
}

shared_text reply_table::write_piece(execution_id execution, transaction_reply piece) const {
  const auto [e, id] = running(execution);
  if (!e) return nullptr;
  piece.id = {id};
  piece.immediate_ack = (!piece.segment || piece.segment->last) && wants_ack(*e);
  return outbox_.encode(transaction(std::move(piece)), e->version);
}

void reply_table::answer(execution_id execution, std::vector<shared_text> pieces, clock::time_point now) {
  const auto [e, id] = running(execution);
  if (!e) return;
  if (!fits(*e, pieces)) pieces.assign(1, too_long(*e, id));
  finish(*running_.at(execution).of, id, *e, std::move(pieces), now);
}

clock::duration reply_table::first_pending() const {
  const auto longest = config_.provisional_response_time;
  return longest > clock::duration{} ? std::min(longest, config_.normal_execution_time) : config_.normal_execution_time;
}

std::size_t reply_table::max_reply_bytes(execution_id execution) const {
  const auto at = running_.find(execution);
  return at == running_.end() ? config_.max_reply_bytes : max_reply_bytes(*entry(at->second));
}

std::size_t reply_table::max_reply_bytes(const transaction_entry& e) const {
  const auto of_transport = may_segment(e) ? config_.max_segments * room_of(e) : outbox_.message_room(e.from, e.version);
  return std::min(config_.max_reply_bytes, of_transport);
}

// Beyond it a reply is cut, where it may be.
std::size_t reply_table::room_of(const transaction_entry& e) const {
  return outbox_.limits(e.from.via).reliable ? outbox_.message_room(e.from, e.version) : outbox_.datagram_room(e.version);
}

reply_cutter reply_table::cutter(const transaction_entry& e, const transaction_reply& reply) const {
  return reply_cutter(reply, room_of(e), [this, v = e.version](const transaction_reply& r) { return outbox_.encode(transaction(r), v)->size(); });
}

bool reply_table::fits(const transaction_entry& e, const std::vector<shared_text>& texts) const {
  std::size_t octets = 0;
  for (const auto& text : texts) {
    if (!outbox_.fits(e.from, e.version, *text)) return false;
    octets += text->size();
  }
  return texts.size() <= config_.max_segments && octets <= config_.max_reply_bytes;
}

shared_text reply_table::too_long(const transaction_entry& e, std::uint32_t id) const {
  transaction_reply sorry;
  sorry.id = {id};
  sorry.immediate_ack = wants_ack(e);
  sorry.error.emplace(error_descriptor{error_code::response_too_long, to_text(error_code::response_too_long)});
  return outbox_.encode(transaction(std::move(sorry)), e.version);
}

std::vector<shared_text> reply_table::texts_of(const transaction_entry& e, const transaction_reply& reply) const {
  std::vector<shared_text> out{outbox_.encode(transaction(reply), e.version)};
  if (may_segment(e) && out.front()->size() > room_of(e)) {
    out.clear();
    auto pieces = cutter(e, reply);
    while (const auto piece = pieces.next()) out.push_back(outbox_.encode(transaction(*piece), e.version));
  }
  if (!fits(e, out)) out.assign(1, too_long(e, reply.id.value));
  return out;
}

void reply_table::forget_finished(const mid& sender) {
  auto* of = find(sender);
  if (of == nullptr) return;
  for (auto at = of->transactions.begin(); at != of->transactions.end();) {
    auto& e = at->second;
    if (!e.running) drop_reply(e);
    at = e.running ? std::next(at) : of->transactions.erase(at);
  }
}

bool reply_table::knows(const mid& sender, transaction_id id) const {
  const auto at = associations_.find(to_text(sender));
  return at != associations_.end() && at->second.transactions.contains(id.value);
}

bool reply_table::has_room(const mid& sender) const {
  const auto at = associations_.find(to_text(sender));
  const auto of_peer = at == associations_.end() ? 0 : at->second.running;
  return running_.size() < config_.max_running && of_peer < config_.max_running_per_peer;
}

void reply_table::forget(execution_id execution) {
  const auto at = running_.find(execution);
  if (at == running_.end()) return;
  const auto r = at->second;
  timers_.erase(entry(r)->at);
  --r.of->running;
  r.of->transactions.erase(r.id);
  running_.erase(at);
}

void reply_table::forget_oldest() {
  const auto oldest = finished_.front();
  finished_.pop_front();
  --oldest.of->references;
  if (auto* e = entry(oldest)) {
    drop_reply(*e);
    oldest.of->transactions.erase(oldest.id);
  }
}

void reply_table::trim(clock::time_point now) {
  while (!finished_.empty() && (now - finished_.front().finished >= config_.long_timer || finished_.size() > config_.max_remembered)) {
    forget_oldest();
  }
  while (!replies_.empty()) {
    auto* e = entry(replies_.front());
    const bool kept = e != nullptr && !e->reply.empty();
    if (kept && reply_bytes_ <= config_.max_remembered_bytes) break;
    if (kept) drop_reply(*e);
    --replies_.front().of->references;
    replies_.pop_front();
  }
}

void reply_table::expire(clock::time_point now, std::vector<execution_id>& given_up) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const auto r = running_.at(timers_.begin()->second);
    auto& e = *entry(r);
    if (e.pendings < config_.sent_pending_limit) {
      send_pending(r.id, e, now);
      timers_.erase(e.at);
      e.at = timers_.emplace(now + config_.normal_execution_time, r.execution);
      continue;
    }
    given_up.push_back(r.execution);
    transaction_reply too_many;
    too_many.error.emplace(error_descriptor{error_code::too_many_pendings, to_text(error_code::too_many_pendings)});
    answer(r.execution, std::move(too_many), now);
  }
  trim(now);
}

clock::time_point reply_table::next_deadline() const noexcept {
  auto next = timers_.empty() ? no_deadline : timers_.begin()->first;
  // Memory is freed for many transactions at a time.
  if (!finished_.empty()) next = std::min(next, finished_.front().finished + config_.long_timer + std::chrono::seconds(1));
  return next;
}

}  // namespace agw::h248
