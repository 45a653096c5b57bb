#include <agw/h248/transaction_requests.hpp>

#include <algorithm>

#include <agw/core/metrics.hpp>

namespace agw::h248 {

request_table::request_table(const transaction_config& config, transaction_outbox& outbox, std::uint64_t seed)
    : config_(config), outbox_(outbox), random_(seed), last_id_(static_cast<std::uint32_t>(random_()) & 0x7FFFFFFF) {}

transaction_id request_table::next_id() {
  do {
    ++last_id_;
  } while (last_id_ == 0 || requests_.contains(last_id_));
  return {last_id_};
}

request_table::peer& request_table::peer_at(const peer_address& address, clock::time_point now) {
  if (!peers_.contains(address) && peers_.size() >= std::max<std::size_t>(config_.max_peers, 1)) {
    peers_.erase(std::ranges::min_element(peers_, {}, [](const auto& p) { return p.second.used; }));
  }
  auto& found = peers_[address];
  found.used = now;
  return found;
}

void request_table::arm(std::uint32_t id, request& r, clock::time_point when) {
  if (r.at != timers_.end()) timers_.erase(r.at);
  r.at = timers_.emplace(std::min(when, r.give_up), id);
}

void request_table::erase(std::unordered_map<std::uint32_t, request>::iterator at) {
  timers_.erase(at->second.at);
  requests_.erase(at);
}

result<void> request_table::start(const peer_address& to, std::uint8_t version, transaction_id id, shared_text text,
                                  clock::time_point now, clock::duration patience) {
  if (!outbox_.fits(to, version, *text)) return make_error_code(errc::too_long);
  if (requests_.size() >= config_.max_requests) return make_error_code(errc::too_many_requests);
  const retransmission_timer timer(peer_at(to, now).estimate, config_);
  request made{to, version, std::move(text), timer, now, now + (patience > clock::duration{} ? patience : config_.t_max)};
  made.at = timers_.end();
  const auto [at, added] = requests_.emplace(id.value, std::move(made));
  if (!added) return make_error_code(errc::too_many_requests);
  auto& r = at->second;
  arm(id.value, r, reliable(to) ? r.give_up : now + first_wait(r));
  outbox_.push_request(to, version, r.text);
  return {};
}

clock::duration request_table::first_wait(const request& r) const {
  return std::max(r.timer.first(config_), std::min(config_.peer_execution_time, config_.max_timeout));
}

void request_table::abandon(transaction_id id) {
  if (const auto at = requests_.find(id.value); at != requests_.end()) erase(at);
}

bool request_table::on_reply(const peer_address& from, std::uint8_t version, transaction_id id, bool immediate_ack,
                             clock::time_point now) {
  const auto at = requests_.find(id.value);
  const bool ours = at != requests_.end() && at->second.to.host == from.host;
  // Also for a reply that comes again: then our acknowledgement was lost.
  if (immediate_ack) outbox_.acknowledge(from, version, id, true, now);
  if (!ours) return false;
  answered(at, immediate_ack, now);
  return true;
}

void request_table::answered(std::unordered_map<std::uint32_t, request>::iterator at, bool acknowledged, clock::time_point now) {
  const transaction_id id{at->first};
  auto& r = at->second;
  auto& estimate = peer_at(r.to, now).estimate;
  if (r.pendings == 0 && r.segments.size() < 2) {
    if (r.copies == 1) {
      estimate.measured(now - r.sent);
    } else {
      estimate.repeated(config_);
    }
  }
  if (!acknowledged && config_.acknowledge && !reliable(r.to)) outbox_.acknowledge(r.to, r.version, id, false, now);
  erase(at);
}

request_table::arrival request_table::on_segment(const peer_address& from, std::uint8_t version, transaction_id id,
                                                 const reply_segment& segment, bool immediate_ack, clock::time_point now) {
  const auto at = requests_.find(id.value);
  if (at == requests_.end() || at->second.to.host != from.host) return arrival::stray;
  auto& r = at->second;
  const bool behind_the_last = r.last_segment != 0 && segment.number > r.last_segment;
  if (segment.number == 0 || segment.number > config_.max_segments || behind_the_last) return arrival::stray;
  outbox_.push_segment(from, version, outbox_.encode(transaction(segment_reply{id, segment}), version));
  if (segment.last) r.last_segment = segment.number;
  const bool fresh = r.segments.insert(segment.number).second;
  if (r.segments.size() == r.last_segment) {
    if (immediate_ack) outbox_.acknowledge(from, version, id, true, now);
    answered(at, immediate_ack, now);
    return arrival::whole;
  }
  if (!fresh) return arrival::stray;
  r.give_up = now + config_.t_max;
  arm(id.value, r, reliable(r.to) ? r.give_up : now + config_.segmentation_timeout);
  return arrival::part;
}

void request_table::on_pending(const peer_address& from, transaction_id id, clock::time_point now) {
  const auto at = requests_.find(id.value);
  if (at == requests_.end() || at->second.to.host != from.host) return;
  auto& r = at->second;
  if (++r.pendings > config_.received_pending_limit) {
    r.give_up = now;  // the next expire() reports it
    arm(id.value, r, now);
    return;
  }
  r.give_up = now + config_.t_max;
  arm(id.value, r, reliable(r.to) ? r.give_up : now + config_.provisional_timeout);
}

void request_table::redirect(const peer_address& from, const peer_address& to, clock::time_point now) {
  for (auto& [id, r] : requests_) {
    if (r.to != from) continue;
    r.to = to;
    r.timer = retransmission_timer(peer_at(to, now).estimate, config_);
    r.give_up = now + config_.t_max;
    r.pendings = 0;
    r.segments.clear();
    r.last_segment = 0;
    repeat(id, r, now);
    arm(id, r, reliable(to) ? r.give_up : now + first_wait(r));
  }
}

void request_table::disconnected(const peer_address& to, clock::time_point now) {
  for (auto& [id, r] : requests_) {
    if (r.to != to) continue;
    r.stranded = true;
    arm(id, r, now + r.timer.next(config_, random_));
  }
}

void request_table::connected(const peer_address& to, clock::time_point now) {
  for (auto& [id, r] : requests_) {
    if (r.to != to) continue;
    if (r.stranded) repeat(id, r, now);
    if (reliable(to)) arm(id, r, r.give_up);
  }
}

void request_table::repeat(std::uint32_t, request& r, clock::time_point) {
  ++r.copies;
  r.stranded = false;
  ++retransmissions_;
  outbox_.push_request(r.to, r.version, r.text);
}

void request_table::expire(clock::time_point now, std::vector<failure>& failed) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const auto at = requests_.find(timers_.begin()->second);
    auto& r = at->second;
    if (now >= r.give_up) {
      const bool too_many = r.pendings > config_.received_pending_limit;
      const auto silent = r.segments.empty() ? errc::timed_out : errc::segments_missing;
      failed.push_back({{at->first}, r.to, too_many ? errc::too_many_pendings : silent});
      erase(at);
      continue;
    }
    repeat(at->first, r, now);
    arm(at->first, r, now + r.timer.next(config_, random_));
  }
}

}  // namespace agw::h248
