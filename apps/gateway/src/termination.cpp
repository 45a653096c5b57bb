#include "termination.hpp"

#include <set>

#include "agw/core/log.hpp"

namespace agw::gateway {

using boost::system::result;

namespace {

refusal refuse(refusal_reason reason, std::string text) {
  refusal r;
  r.reason = reason;
  r.text = std::move(text);
  return r;
}

bool is_association(const stream_change& c) {
  return (c.local && std::holds_alternative<association_local>(*c.local)) ||
         (c.remote && std::holds_alternative<association_remote>(*c.remote));
}

}  // namespace

termination::termination(const gateway_services& services, asio::any_io_executor executor, context_id context, termination_id id,
                         std::string name, link_finder links, event_sink sink)
    : services_(services),
      executor_(std::move(executor)),
      context_(context),
      id_(id),
      name_(std::move(name)),
      links_(std::move(links)),
      sink_(std::move(sink)),
      counted_(services.stages.metrics, "agw_terminations") {}

termination::~termination() = default;

std::string termination::label(stream_number n) const {
  return "context " + std::to_string(context_.value) + " " + name_ + " stream " + std::to_string(n.value);
}

void termination::emit(gateway_event::kind what, stream_number n, std::string_view stage, std::string cause) {
  if (!sink_) return;
  gateway_event event;
  event.what = what;
  event.context = context_;
  event.termination = id_;
  event.stream = n;
  event.stage = stage;
  event.cause = std::move(cause);
  if (const auto found = components_.find(n); found != components_.end()) {
    event.sid = found->second->sid();
    event.label = found->second->local().label;
    event.subprotocol = found->second->local().subprotocol;
  }
  sink_(std::move(event));
}

void termination::emit_address(gateway_event::kind what, stream_number n, std::string_view stage, const ip_address& address,
                               std::uint16_t port) {
  if (!sink_) return;
  gateway_event event;
  event.what = what;
  event.context = context_;
  event.termination = id_;
  event.stream = n;
  event.stage = stage;
  event.address = address;
  event.port = port;
  sink_(std::move(event));
}

// Every stage's end becomes an event for the controller: established where a layer came up, failed with its cause.
stage_observer termination::observer(stream_number n) {
  return [this, n](const stage_event& e) {
    if (e.what == stage_event::kind::done) emit(gateway_event::kind::established, n, e.stage);
    if (e.what == stage_event::kind::failed) emit(gateway_event::kind::failed, n, e.error->stage(), e.error->cause());
  };
}

awaitable<result<termination_answer, refusal>> termination::apply(termination_change change) {
  termination_answer answer;
  if (change.groups) {
    if (auto done = set_groups(*change.groups); !done) co_return done.error();
  }
  // Associations first: a component's place depends on them.
  for (const auto& [n, wanted] : change.streams) {
    if (!is_association(wanted)) continue;
    if (auto done = apply_stream(change, n, wanted, answer); !done) co_return done.error();
  }
  for (const auto& [n, wanted] : change.streams) {
    if (is_association(wanted)) continue;
    if (wanted.remove) continue;
    if (auto done = apply_stream(change, n, wanted, answer); !done) co_return done.error();
  }
  for (const auto& [n, wanted] : change.streams) {
    if (!wanted.remove) continue;
    member_of_.erase(n);
    co_await join_groups();
    components_.erase(n);
    if (const auto found = bearers_.find(n); found != bearers_.end()) {
      links_(n).core = nullptr;
      co_await found->second->close(deadline_after(services_.config.shutdown_time));
      bearers_.erase(n);
    }
  }
  co_await join_groups();
  co_return answer;
}

result<void, refusal> termination::apply_stream(const termination_change& change, stream_number n, const stream_change& wanted,
                                                termination_answer& answer) {
  const bool known_group = groups_.contains(n);
  const bool known_bearer = bearers_.contains(n);
  if (is_association(wanted) || known_group) return apply_association(change, n, wanted, answer);
  const bool bearer_asked = (wanted.local && std::holds_alternative<bearer_local>(*wanted.local)) ||
                            (wanted.remote && std::holds_alternative<bearer_remote>(*wanted.remote));
  if (bearer_asked || known_bearer) return apply_bearer(change, n, wanted, answer);
  return apply_channel(n, wanted);
}

result<void, refusal> termination::apply_association(const termination_change& change, stream_number n, const stream_change& wanted,
                                                     termination_answer& answer) {
  auto found = groups_.find(n);
  std::unique_ptr<stream_group> fresh;
  stream_group* group = found == groups_.end() ? nullptr : found->second.get();
  if (!group) {
    const auto* local = wanted.local ? std::get_if<association_local>(&*wanted.local) : nullptr;
    if (!local) return refuse(refusal_reason::missing, "Local of stream " + std::to_string(n.value));
    fresh = std::make_unique<stream_group>(services_, executor_, label(n), n, observer(n));
    fresh->on_address = [this, n](gateway_event::kind what, const udp::endpoint& seen) {
      emit_address(what, n, what == gateway_event::kind::candidate ? "ice" : "udp", seen.address(), seen.port());
    };
    auto reserved = fresh->reserve(*local, change.address);
    if (!reserved) return reserved.error();
    answer.streams[n] = *reserved;
    group = fresh.get();
  }
  for (const auto& [l, waits] : wanted.waits_for_order) group->set_waits(l, waits);
  if (wanted.settings) {
    if (auto done = group->apply(*wanted.settings); !done) return done.error();
  }
  if (wanted.remote) {
    const auto* remote = std::get_if<association_remote>(&*wanted.remote);
    if (!remote) return refuse(refusal_reason::conflict, "Remote of stream " + std::to_string(n.value) + " is of another kind");
    if (auto done = group->configure(*remote); !done) return done.error();
  }
  if (fresh) {
    fresh->start();
    groups_.emplace(n, std::move(fresh));
  }
  return {};
}

result<void, refusal> termination::apply_channel(stream_number n, const stream_change& wanted) {
  auto found = components_.find(n);
  if (found == components_.end()) {
    const auto* local = wanted.local ? std::get_if<channel_local>(&*wanted.local) : nullptr;
    if (!local) return refuse(refusal_reason::missing, "Local of stream " + std::to_string(n.value));
    auto made = std::make_shared<component>(services_, label(n), links_(n), observer(n));
    if (auto done = made->configure(*local); !done) return done.error();
    made->on_end = [this, n](component_end end) {
      if (end == component_end::wic) emit(gateway_event::kind::released, n, "channel");
      if (end == component_end::core) emit(gateway_event::kind::released, n, "tcp");
    };
    found = components_.emplace(n, std::move(made)).first;
    if (!grouped_) {
      if (groups_.size() != 1) return refuse(refusal_reason::missing, "a stream group for stream " + std::to_string(n.value));
      member_of_[n] = groups_.begin()->first;
    }
  }
  if (wanted.remote) {
    const auto* remote = std::get_if<channel_remote>(&*wanted.remote);
    if (!remote) return refuse(refusal_reason::conflict, "Remote of stream " + std::to_string(n.value) + " is of another kind");
    found->second->configure(*remote);
  }
  for (const auto& [l, waits] : wanted.waits_for_order) found->second->set_waits(l, waits);
  if (wanted.settings) found->second->apply(*wanted.settings);
  if (wanted.mode) set_mode(n, *wanted.mode, false);
  return {};
}

result<void, refusal> termination::apply_bearer(const termination_change& change, stream_number n, const stream_change& wanted,
                                                termination_answer& answer) {
  auto found = bearers_.find(n);
  std::unique_ptr<bearer> fresh;
  bearer* at = found == bearers_.end() ? nullptr : found->second.get();
  if (!at) {
    const auto* local = wanted.local ? std::get_if<bearer_local>(&*wanted.local) : nullptr;
    if (!local) return refuse(refusal_reason::missing, "Local of stream " + std::to_string(n.value));
    fresh = std::make_unique<bearer>(services_, executor_, label(n), links_(n), observer(n));
    at = fresh.get();
    at->on_latched = [this, n](const ip_address& address, std::uint16_t port) {
      emit_address(gateway_event::kind::latched, n, "tcp", address, port);
    };
    auto reserved = at->reserve(*local, change.address);
    if (!reserved) return reserved.error();
    answer.streams[n] = *reserved;
  }
  for (const auto& [l, waits] : wanted.waits_for_order) at->set_waits(l, waits);
  if (wanted.settings) at->apply(*wanted.settings);
  if (wanted.remote) {
    const auto* remote = std::get_if<bearer_remote>(&*wanted.remote);
    if (!remote) return refuse(refusal_reason::conflict, "Remote of stream " + std::to_string(n.value) + " is of another kind");
    if (auto done = at->configure(*remote); !done) return done.error();
  }
  if (wanted.mode || fresh) set_mode(n, wanted.mode.value_or(stream_mode::inactive), true);
  if (fresh) {
    fresh->start();
    auto& link = links_(n);
    link.core = fresh.get();
    link.core_changed.set();
    bearers_.emplace(n, std::move(fresh));
  }
  return {};
}

void termination::set_mode(stream_number n, stream_mode mode, bool core) {
  auto& link = links_(n);
  (core ? link.core_mode : link.wic_mode) = mode;
  link.open_or_close_gate();
}

result<void, refusal> termination::set_groups(const std::vector<stream_group_config>& groups) {
  std::map<stream_number, stream_number> members;
  std::set<stream_number> deaggregations;
  for (const auto& group : groups) {
    if (!deaggregations.insert(group.deaggregation).second) {
      return refuse(refusal_reason::conflict, "two groups of stream " + std::to_string(group.deaggregation.value));
    }
    for (const auto n : group.components) {
      if (!members.emplace(n, group.deaggregation).second || n == group.deaggregation) {
        return refuse(refusal_reason::conflict, "stream " + std::to_string(n.value) + " in two places");
      }
    }
  }
  member_of_ = std::move(members);
  grouped_ = true;
  return {};
}

// Brings the groups in line with member_of_: components that are new join their association, those that left are closed.
awaitable<void> termination::join_groups() {
  const auto before = joined_;
  for (const auto& [n, group] : before) {
    const auto now = member_of_.find(n);
    if (now != member_of_.end() && now->second == group) continue;
    joined_.erase(n);
    if (const auto found = groups_.find(group); found != groups_.end()) co_await found->second->remove(n);
    components_.erase(n);
  }
  for (const auto& [n, group] : member_of_) {
    const auto c = components_.find(n);
    const auto g = groups_.find(group);
    if (c == components_.end() || g == groups_.end() || joined_.contains(n)) continue;
    joined_.emplace(n, group);
    g->second->add(c->second);
  }
}

stream_group* termination::group_of(stream_number component) {
  const auto member = member_of_.find(component);
  if (member == member_of_.end()) return nullptr;
  const auto found = groups_.find(member->second);
  return found == groups_.end() ? nullptr : found->second.get();
}

void termination::order(stream_number stream, layer l) {
  if (const auto g = groups_.find(stream); g != groups_.end()) g->second->order(l);
  if (const auto c = components_.find(stream); c != components_.end()) c->second->order(l);
  if (const auto b = bearers_.find(stream); b != bearers_.end()) b->second->order(l);
}

void termination::latch(stream_number stream, latching how) {
  if (const auto g = groups_.find(stream); g != groups_.end()) g->second->latch(how);
  if (const auto b = bearers_.find(stream); b != bearers_.end()) b->second->latch(how);
}

awaitable<void> termination::release(stream_number stream, layer l) {
  if (const auto g = groups_.find(stream); g != groups_.end()) co_await g->second->release(l);
  if (const auto c = components_.find(stream); c != components_.end() && l == layer::channel) c->second->release();
  if (const auto b = bearers_.find(stream); b != bearers_.end() && (l == layer::tcp || l == layer::tls)) {
    co_await b->second->close(deadline_after(services_.config.shutdown_time));
  }
}

termination_statistics termination::statistics() const {
  termination_statistics out;
  for (const auto& [n, group] : groups_) out[n] = group->statistics();
  for (const auto& [n, c] : components_) {
    auto& s = out[n];
    const auto& counted = c->counted();
    s.octets_sent = counted.octets_to_wic;
    s.octets_received = counted.octets_from_wic;
    s.messages_sent = counted.messages_to_wic;
    s.messages_received = counted.messages_from_wic;
    s.chunks_forwarded = counted.chunks_forwarded;
    s.chunks_rejected = counted.chunks_rejected;
    s.duration = c->age();
  }
  for (const auto& [n, b] : bearers_) out[n] = b->statistics();
  return out;
}

// Closes every branch and keeps what they counted.
awaitable<void> termination::close_streams() {
  for (const auto& [n, group] : groups_) co_await group->close();
  for (const auto& [n, b] : bearers_) {
    auto& link = links_(n);
    if (link.core == b.get()) link.core = nullptr;
    co_await b->close(deadline_after(services_.config.shutdown_time));
  }
}

awaitable<void> termination::close() {
  co_await close_streams();
  components_.clear();
  groups_.clear();
  bearers_.clear();
}

}  // namespace agw::gateway
