#include "context_owner.hpp"

#include <algorithm>
#include <utility>

#include "agw/core/error.hpp"
#include "agw/core/give_back.hpp"
#include "agw/core/log.hpp"
#include "agw/core/scope_guard.hpp"
#include "context_home.hpp"
#include "media_properties.hpp"
#include "plan.hpp"
#include "signal_orders.hpp"

namespace agw::iq {

using h248::completion_reason;

namespace {

/// Of one context, while a command holds its turn; beyond, the oldest is forgotten.
constexpr std::size_t most_unseen = 1024;

gateway::topology topology_of(h248::topology_direction d) {
  if (d == h248::topology_direction::isolate) return gateway::topology::isolate;
  return d == h248::topology_direction::oneway ? gateway::topology::oneway : gateway::topology::bothway;
}

// Zero: none is asked for.
std::chrono::seconds heartbeat_period(const termination_record& t) {
  const auto* heartbeat = subscribed(t, "hangterm/thb");
  return std::chrono::seconds(heartbeat ? number(*heartbeat, "timerx", 3600) : 0);
}

// adid/ipstop, while the flow that it asks after has not been told to have stopped; null otherwise.
const h248::requested_event* awaited_stop(const termination_record& t) { return t.stopped ? nullptr : subscribed(t, "adid/ipstop"); }

std::chrono::seconds stop_time(const h248::requested_event& stop) { return std::chrono::seconds(number(stop, "dt", 60)); }

deadline stopped_at(const termination_record& t, const h248::requested_event& stop) { return std::max(t.moved, t.subscribed) + stop_time(stop); }

}  // namespace

context_owner::context_owner(context_home& home, h248::context_id id)
    : home_(home),
      tasks_(home.where().executor(), "context " + std::to_string(id.value)),
      looked_at_(home.where().executor(), [this] { return look(clock::now()); }) {
  record_.id = id;
  turns_->on_left = [this] {
    send_notices();
    looked_at_.soon();
  };
  // A termination keeps its sink when it moves: whom the event concerns is found by its context.
  gateway::event_sink sink = [at = &home](gateway::gateway_event event) {
    auto* const owner = at->find(h248::context_id{event.context.value});
    if (owner) owner->happened(std::move(event));
  };
  gate_ = std::make_unique<gateway::context>(home.facts().services, home.where().executor(), gateway::context_id{id.value}, std::move(sink));
}

context_owner::~context_owner() { turns_->on_left = nullptr; }

const gateway_facts& context_owner::facts() const noexcept { return home_.facts(); }

void context_owner::happened(gateway::gateway_event event) {
  if (closing_) return;
  record_.call.happened(event);
  if (inbox_.size() >= most_unseen) inbox_.pop_front();
  inbox_.push_back(std::move(event));
  wake();
}

void context_owner::interface_changed(std::string interface, bool here) {
  for (const auto& [key, t] : record_.terminations) {
    if (lower(t->interface) == interface) t->interface_lost = !here;
  }
  interfaces_.insert(std::move(interface));
  wake();
}

void context_owner::wake() {
  if (closing_) return;
  if (inbox_.empty() && interfaces_.empty() && next() == no_deadline) return;
  if (std::exchange(working_, true)) {
    wake_.set();
    return;
  }
  tasks_.spawn("events and signals", [this] { return work(); });
}

// Lives while there is something to come: an idle context has no coroutine of ours.
awaitable<void> context_owner::work() {
  const scope_guard idle([this] { working_ = false; });
  for (;;) {
    {
      turn_queue::ticket ticket(turns_);
      co_await ticket.turn();
      try {
        co_await settle();
      } catch (const std::exception& e) {
        if (is_cancellation(std::current_exception())) throw;
        log::error("context {}: events and signals: {}", record_.id.value, e.what());
      }
    }
    const auto then = next();
    if (inbox_.empty() && interfaces_.empty() && then == no_deadline) co_return;
    co_await within(then, wake_.wait());
  }
}

awaitable<void> context_owner::settle() {
  while (!inbox_.empty()) {
    const auto event = std::move(inbox_.front());
    inbox_.pop_front();
    report(event);
  }
  give_back(inbox_);  // events come in a call's first and last second
  const auto changed = std::exchange(interfaces_, {});
  for (const auto& [key, t] : record_.terminations) {
    if (changed.contains(lower(t->interface))) co_await apply_service(*t);
  }
  for (const auto& [key, t] : record_.terminations) {
    while (!t->embedded.empty()) {
      const auto embedded = std::move(t->embedded.front());
      t->embedded.pop_front();
      for (const auto& signal : t->signals.replace(embedded.keeps, *embedded.signals)) ended(*t, signal, completion_reason::by_signals);
    }
    co_await play_on(*t);
  }
}

deadline context_owner::next() const {
  auto out = no_deadline;
  for (const auto& [key, t] : record_.terminations) {
    if (!t->embedded.empty()) return clock::time_point();
    out = std::min(out, t->signals.next());
  }
  return out;
}

void context_owner::report(const gateway::gateway_event& event) {
  const auto found = std::ranges::find_if(record_.terminations, [&](const auto& entry) { return entry.second->id == event.termination; });
  if (found == record_.terminations.end()) return;
  auto& t = *found->second;
  // A channel that was to be the next DCEP OPEN has its number now.
  if (event.what == gateway::gateway_event::kind::established && event.layer == gateway::layer::channel && event.sid) {
    const auto stream = t.streams.find(event.stream.value);
    if (stream != t.streams.end()) stream->second.local = with_channel(stream->second.local, *event.sid);
  }
  for (auto& o : names_of(event)) observe(t, std::move(o));
}

void context_owner::observe(termination_record& t, observed event) {
  auto set_off = react(t, std::move(event), home_.facts().config.regulated_notify_percent);
  if (set_off.notify) queue(t, std::move(*set_off.notify));
  for (const auto& signal : set_off.stopped) ended(t, signal, completion_reason::by_event);
}

void context_owner::ended(termination_record& t, const playing_signal& signal, completion_reason why) {
  if (auto completion = completion_of(signal, why)) observe(t, std::move(*completion));
}

void context_owner::queue(termination_record& t, observed event) {
  keep_for_notice(t, std::move(event));
  tell(t);
}

// One Notify at a time for each termination.
void context_owner::tell(termination_record& t) {
  if (t.notifying || t.pending.empty() || closing_) return;
  t.notifying = true;
  t.notice = home_.next_serial();
  outbox_.push_back(take_notice(t, record_.id));
}

void context_owner::send_notices() {
  for (auto& one : outbox_) home_.send(std::move(one));
  outbox_.clear();
}

void context_owner::told(const std::string& key, std::uint64_t serial, std::vector<observed> unheard) {
  auto* const t = find(key);
  if (!t || !t->notifying || t->notice != serial) return;  // of another termination that had the name
  t->notifying = false;
  put_back(*t, std::move(unheard));
  tell(*t);
}

awaitable<void> context_owner::play(termination_record& t, std::shared_ptr<const owned_signals> signals) {
  for (const auto& signal : t.signals.replace(signals, signals->descriptor)) ended(t, signal, completion_reason::by_signals);
  co_await play_on(t);
}

awaitable<void> context_owner::play_on(termination_record& t) {
  for (;;) {
    const auto now = clock::now();
    if (auto starts = t.signals.take_next(now)) {
      co_await carry_out(t, *starts->what);
      if (t.signals.started(*starts, now)) ended(t, *starts, completion_reason::time_out);
      continue;
    }
    const auto expired = t.signals.take_expired(now);
    if (!expired) co_return;
    ended(t, *expired, completion_reason::time_out);
  }
}

awaitable<void> context_owner::carry_out(termination_record& t, const h248::signal_request& signal) {
  const auto orders = orders_of(signal, t);
  const auto how = latching_of(signal);
  const auto latch = how ? *how : std::nullopt;
  const bool releases = h248::iequals(signal.name.item, "RelBNC") || signal.name.is("sctpreset/reset");
  if (releases) record_.call.hold();
  const scope_guard ordered([&] {
    if (releases) record_.call.release();
  });
  for (const auto& order : orders) {
    if (latch) gate_->latch(t.id, order.stream, *latch);
    else if (releases) co_await gate_->release(t.id, order.stream, order.layer);
    else gate_->order(t.id, order.stream, order.layer);
  }
}

void context_owner::silence(termination_record& t) {
  for (const auto& signal : t.signals.stop()) ended(t, signal, completion_reason::other);
}

awaitable<void> context_owner::apply_service(termination_record& t) {
  auto change = service_change_of(t, home_.facts());
  if (!change) co_return;
  const auto done = co_await gate_->apply(std::move(*change));
  if (!done) log::error("{}: its service state has no effect: {}", t.name, done.error().text);
}

termination_record* context_owner::find(const std::string& key) noexcept {
  const auto found = record_.terminations.find(key);
  return found == record_.terminations.end() ? nullptr : found->second.get();
}

termination_record& context_owner::enrol(std::unique_ptr<termination_record> termination) {
  ++record_.edition;
  auto key = lower(termination->name);
  auto& t = *(record_.terminations[std::move(key)] = std::move(termination));
  note_interface(t);
  return t;
}

// What the shard knows of its interface may be newer than what the termination has seen.
void context_owner::note_interface(termination_record& t) {
  const bool lost = home_.lost(lower(t.interface));
  if (t.interface_lost == lost) return;
  t.interface_lost = lost;
  catch_up(t);
}

bool context_owner::is_behind(const termination_record& t) const { return interfaces_.contains(lower(t.interface)); }

void context_owner::catch_up(const termination_record& t) { interfaces_.insert(lower(t.interface)); }

void context_owner::settle_in() {
  for (const auto& [key, t] : record_.terminations) {
    note_interface(*t);
    catch_up(*t);
  }
}

std::unique_ptr<termination_record> context_owner::strike(const std::string& key) {
  auto node = record_.terminations.extract(key);
  if (node.empty()) return nullptr;
  ++record_.edition;
  std::erase_if(record_.topology, [&](const auto& entry) { return entry.second.a == key || entry.second.b == key; });
  return std::move(node.mapped());
}

context_news context_owner::news() {
  context_news out;
  out.context = record_.id;
  if (record_.told == record_.edition) return out;
  out.edition = record_.told = record_.edition;
  auto& names = out.names.emplace();
  for (const auto& entry : record_.terminations) names.push_back(entry.first);
  return out;
}

void context_owner::connect() {
  std::vector<gateway::topology_rule> rules;
  rules.reserve(record_.topology.size());
  for (const auto& [key, rule] : record_.topology) {
    const auto* a = find(rule.a);
    const auto* b = find(rule.b);
    if (!a || !b) continue;
    auto& one = rules.emplace_back();
    one.from = a->id;
    one.to = b->id;
    one.how = topology_of(rule.direction);
    if (rule.stream != 0) one.stream = gateway::stream_number{rule.stream};
  }
  gate_->set_topology(rules);
}

// What the passing of time brings about: heartbeats, flows that stopped. A turn that is taken goes first. Returns when to come again.
std::chrono::seconds context_owner::look(clock::time_point now) {
  if (closing_ || !turns_->idle()) return std::chrono::seconds(1);
  watch_directions(now);
  for (const auto& [key, t] : record_.terminations) {
    if (!t->timed) continue;
    if (watch_flow(*t, now)) {
      const auto* stop = subscribed(*t, "adid/ipstop");
      t->stopped = true;  // once for each Events descriptor
      observe(*t, make_observed("adid", "ipstop", stop->stream ? stop->stream->value : std::uint16_t{0}));
    }
    const auto period = heartbeat_period(*t);
    if (period.count() <= 0 || now - t->touched < period) continue;
    t->touched = now;
    observe(*t, make_observed("hangterm", "thb", 0));
  }
  send_notices();
  wake();
  return std::chrono::ceil<std::chrono::seconds>(std::min<clock::duration>(next_look(now) - now, std::chrono::hours(1)));
}

// By what is subscribed now: an event may have brought other Events into force. That a flow has stopped is found as late as a sixteenth of the time
// that it has to stop for, or a second.
deadline context_owner::next_look(clock::time_point now) const {
  auto out = record_.call.began() ? directions_due_ : no_deadline;
  for (const auto& [key, t] : record_.terminations) {
    if (!t->timed) continue;
    const auto period = heartbeat_period(*t);
    if (period.count() > 0) out = std::min(out, t->touched + period);
    if (const auto* stop = awaited_stop(*t)) out = std::min({out, stopped_at(*t, *stop), now + stop_time(*stop) / 16});
  }
  return out;
}

// Whether the flow that adid/ipstop asks after has stopped.
bool context_owner::watch_flow(termination_record& t, clock::time_point now) {
  const auto* stop = awaited_stop(t);
  if (!stop) return false;
  const auto* dir = h248::find(stop->parameters, "dir");
  const bool in = !dir || !dir->values.first().is("OUT"), out = !dir || !dir->values.first().is("IN");
  const auto only = stop->stream ? stop->stream->value : std::uint16_t{0};
  std::uint64_t octets = 0;
  for (const auto& [n, s] : gate_->statistics(t.id)) {
    if (only == 0 || n.value == only) octets += (in ? s.octets_received : 0) + (out ? s.octets_sent : 0);
  }
  if (octets != t.octets) {
    t.octets = octets;
    t.moved = now;
    return false;
  }
  return now >= stopped_at(t, *stop);
}

awaitable<void> context_owner::close(std::string_view by) {
  send_notices();
  closing_ = true;
  co_await tasks_.stop();
  end_call(by);
  inbox_.clear();
  co_await gate_->close();
  gate_.reset();
  interfaces_.clear();
  record_.terminations.clear();
}

std::vector<gateway::gateway_event> context_owner::take_unseen(gateway::termination_id of) {
  std::vector<gateway::gateway_event> out;
  erase_if(inbox_, [&](gateway::gateway_event& event) {
    if (event.termination != of) return false;
    out.push_back(std::move(event));
    return true;
  });
  return out;
}

context_owner* context_owner::neighbour(h248::context_id id) noexcept { return home_.find(id); }

void context_owner::forget() { home_.forget(record_.id); }

}  // namespace agw::iq
