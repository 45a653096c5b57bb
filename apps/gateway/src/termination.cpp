#include "termination.hpp"

#include <algorithm>
#include <iterator>

#include "agw/core/log.hpp"
#include "refuse.hpp"

namespace agw::gateway {

using boost::system::result;

termination::termination(const gateway_services& services, loop_executor executor, context_id context, termination_id id,
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
  return call_name(services_, context_) + " " + name_ + " stream " + std::to_string(n.value);
}

void termination::emit(gateway_event::kind what, stream_number n, layer l, std::string cause) { emit(what, n, to_text(l), std::move(cause)); }

void termination::emit(gateway_event::kind what, stream_number n, std::string_view stage, std::string cause) {
  if (!sink_) return;
  gateway_event event;
  event.what = what;
  event.context = context_;
  event.termination = id_;
  event.stream = n;
  event.layer = layer_of(stage);
  event.stage = stage;
  event.cause = std::move(cause);
  if (const auto found = components_.find(n); found != components_.end()) {
    event.sid = found->second->sid();
    event.label = found->second->local().label;
    event.subprotocol = found->second->local().subprotocol;
  }
  sink_(std::move(event));
}

void termination::emit_address(gateway_event::kind what, stream_number n, std::optional<layer> l, const ip_address& address,
                               std::uint16_t port) {
  if (!sink_) return;
  gateway_event event;
  event.what = what;
  event.context = context_;
  event.termination = id_;
  event.stream = n;
  event.layer = l;
  event.stage = l ? to_text(*l) : "udp";
  event.address = address;
  event.port = port;
  sink_(std::move(event));
}

namespace {

/// SHUTDOWN and close_notify are an orderly end, whoever began it.
gateway_event::kind ends_as(const stage_error& e) {
  return e.reason() == "closed" ? gateway_event::kind::released : gateway_event::kind::failed;
}
std::string cause_of(const stage_error& e) { return e.reason() == "closed" ? std::string() : e.cause(); }

}  // namespace

// Every stage's end becomes an event for the controller: established where a layer came up, failed with its cause.
stage_observer termination::observer(stream_number n) {
  return [this, n](const stage_event& e) {
    if (e.what == stage_event::kind::done) emit(gateway_event::kind::established, n, e.stage);
    if (e.what == stage_event::kind::failed) emit(ends_as(*e.error), n, e.error->stage(), cause_of(*e.error));
  };
}

// A component may see the end of a layer that it does not own: those below belong to its group, TCP and TLS to the other termination. The
// owner reports it, once.
stage_observer termination::component_observer(stream_number n) {
  return [this, n, own = observer(n)](const stage_event& e) {
    if (e.what != stage_event::kind::failed) return own(e);
    const auto& error = *e.error;
    const auto c = components_.find(n);
    const auto l = layer_of(error.stage());
    if (l == layer::tcp || l == layer::tls) {
      auto* const core = c == components_.end() ? nullptr : c->second->core();
      return core ? core->died(ends_as(error), *l, cause_of(error)) : own(e);
    }
    const auto member = member_of_.find(n);
    const auto group = member == member_of_.end() ? groups_.end() : groups_.find(member->second);
    const bool below = l == layer::ice || l == layer::dtls || l == layer::sctp;
    if (!below || group == groups_.end()) return own(e);
    if (group->second->ends_now()) emit(ends_as(error), group->first, *l, cause_of(error));
  };
}

std::set<stream_number> termination::streams() const {
  std::set<stream_number> out;
  for (const auto& entry : groups_) out.insert(entry.first);
  for (const auto& entry : components_) out.insert(entry.first);
  for (const auto& entry : bearers_) out.insert(entry.first);
  return out;
}

awaitable<result<termination_answer, refusal>> termination::apply(termination_change change) {
  auto planned = plan_of(change);
  if (!planned) co_return planned.error();
  co_await gather(*planned);
  const auto before = streams();
  co_await carry_out(*planned);
  const auto after = streams();
  std::ranges::set_difference(before, after, std::back_inserter(planned->answer.removed));
  co_return std::move(planned->answer);
}

// The answers of new associations with the candidates that STUN and TURN servers give. All are asked since the plan was made.
awaitable<void> termination::gather(plan& p) {
  const auto by = deadline_after(services_.config.gather_timeout);
  for (auto& s : p.streams) {
    if (!s.group) continue;
    co_await s.group->gathered(by);
    const auto update = [&s](stream_answer& answer) {
      auto& known = std::get<association_answer>(answer);
      known = s.group->answer_in(family_of(known.address));
    };
    update(p.answer.streams[s.number]);
    const auto taken = p.answer.taken.find(s.number);
    if (taken == p.answer.taken.end()) continue;
    for (auto& one : taken->second) update(one.answer);
  }
}

awaitable<void> termination::carry_out(plan& p) {
  member_of_ = std::move(p.members);
  grouped_ = p.grouped;
  for (auto& s : p.streams) {
    if (s.wanted.remove) {
      co_await remove(s.number);
    } else {
      if (s.wanted.forget_remote) co_await forget_remote(s.number);
      const auto group = groups_.find(s.number);
      if (group != groups_.end() && group->second->renews(s.wanted)) co_await retire_association(s.number);
      carry_out(s, p.answer);
    }
  }
  co_await join_groups();
}

awaitable<void> termination::remove(stream_number n) {
  if (const auto found = groups_.find(n); found != groups_.end()) {
    found->second->finish();
    co_await found->second->flush(flush_deadline());
    co_await found->second->close(shutdown_deadline());
    for (auto member = member_of_.begin(); member != member_of_.end();) {
      if (member->second != n) {
        ++member;
        continue;
      }
      joined_.erase(member->first);
      components_.erase(member->first);
      member = member_of_.erase(member);
    }
    groups_.erase(n);
  }
  member_of_.erase(n);
  co_await join_groups();
  components_.erase(n);
  if (const auto found = bearers_.find(n); found != bearers_.end()) {
    (void)co_await found->second->part(true, flush_deadline());
    co_await found->second->close(shutdown_deadline());
    bearers_.erase(n);
  }
}

// Bearers and associations begin anew on their own ports. A channel's Remote is a path, which apply() forgets.
awaitable<void> termination::forget_remote(stream_number n) {
  if (const auto group = groups_.find(n); group != groups_.end() && group->second->has_remote()) co_await retire_association(n);
  const auto found = bearers_.find(n);
  if (found == bearers_.end()) co_return;
  (void)co_await found->second->part(true, flush_deadline());
  auto rest = co_await found->second->without_remote(shutdown_deadline());
  found->second = std::make_unique<bearer>(services_, executor_, label(n), links_(n), observer(n), std::move(rest));
  watch(*found->second, n);
  found->second->start();
}

// For a new one in its place: the channels and the layers below them end and are told as released; the bearers stay.
awaitable<void> termination::retire_association(stream_number n) {
  auto& group = *groups_.at(n);
  std::vector<stream_number> open;
  for (const auto& [member, of] : joined_) {
    const auto c = components_.find(member);
    if (of == n && c != components_.end() && c->second->open()) open.push_back(member);
  }
  const bool untold = group.ends_now();
  const bool associated = untold && group.has(layer::sctp);
  const bool secured = untold && group.has(layer::dtls);
  co_await group.retire(flush_deadline());
  for (const auto member : open) emit(gateway_event::kind::released, member, layer::channel);
  if (associated) emit(gateway_event::kind::released, n, layer::sctp);
  if (secured) emit(gateway_event::kind::released, n, layer::dtls);
}

// Makes the groups match member_of_: new components join their association, those that left are closed.
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
  if (const auto g = groups_.find(stream); g != groups_.end()) {
    const bool told = g->second->has(l) && g->second->ends_now();
    co_await g->second->release(l);
    if (told) emit(gateway_event::kind::released, stream, l == layer::sctp ? layer::sctp : layer::dtls);
  }
  if (const auto c = components_.find(stream); c != components_.end() && l == layer::channel) {
    const bool open = c->second->sid() && c->second->running();
    c->second->release();
    if (open) emit(gateway_event::kind::released, stream, layer::channel);
  }
  if (const auto b = bearers_.find(stream); b != bearers_.end() && b->second->has(l)) {
    b->second->died(gateway_event::kind::released, l == layer::tls ? layer::tls : layer::tcp, {});
    co_await b->second->release(shutdown_deadline());
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

awaitable<bool> termination::leave() {
  for (const auto& [n, g] : groups_) {
    if (g->retiring()) co_return false;
  }
  bool left = true;
  const auto by = flush_deadline();
  for (const auto& [n, b] : bearers_) {
    if (left) left = co_await b->part(false, by);
  }
  for (const auto& [n, c] : components_) {
    if (left) left = co_await c->part(true, false, by);
    if (left) c->leave();
  }
  if (!left) {  // the streams that have left rejoin
    auto links = links_;
    enter(context_, std::move(links));
  }
  co_return left;
}

awaitable<result<parked_termination, refusal>> termination::park() {
  for (const auto& [n, b] : bearers_) {
    if (!b->can_park()) co_return refuse(refusal_reason::no_resources, "TLS of stream " + std::to_string(n.value));
  }
  if (!groups_.empty()) co_return refuse(refusal_reason::no_resources, "the association of stream " + std::to_string(groups_.begin()->first.value));
  const bool left = co_await leave();
  if (!left) co_return refuse(refusal_reason::busy, "its peer does not take what is on its way");
  parked_termination out;
  out.id = id_;
  out.name = name_;
  for (const auto& [n, b] : bearers_) out.bearers.emplace(n, co_await b->park());
  co_return out;
}

void termination::resume(parked_termination from) {
  for (auto& [n, parked] : from.bearers) {
    auto made = std::make_unique<bearer>(services_, executor_, label(n), links_(n), observer(n), std::move(parked));
    watch(*made, n);
    made->start();
    bearers_.emplace(n, std::move(made));
  }
}

void termination::watch(bearer& b, stream_number n) {
  b.on_latched = [this, n](const ip_address& address, std::uint16_t port) {
    emit_address(gateway_event::kind::latched, n, layer::tcp, address, port);
  };
  b.on_death = [this, n](gateway_event::kind what, layer l, std::string cause) { emit(what, n, l, std::move(cause)); };
}

void termination::enter(context_id context, link_finder links) {
  context_ = context;
  links_ = std::move(links);
  for (const auto& [n, g] : groups_) g->rename(label(n));
  for (const auto& [n, c] : components_) {
    c->scope().rename(label(n));
    c->join(links_(n));
  }
  for (const auto& [n, b] : bearers_) {
    b->rename(label(n));
    b->join(links_(n));
  }
}

void termination::finish() {
  for (const auto& [n, group] : groups_) group->finish();
}

awaitable<void> termination::flush(deadline by) {
  for (const auto& [n, group] : groups_) co_await group->flush(by);
  for (const auto& [n, b] : bearers_) (void)co_await b->part(true, by);
}

awaitable<void> termination::close_streams(deadline by) {
  auto begin = [this, by](task_group& ends) {
    for (const auto& [n, group] : groups_) ends.spawn("group", [g = group.get(), by] { return g->close(by); });
    for (const auto& [n, b] : bearers_) ends.spawn("bearer", [core = b.get(), by] { return core->close(by); });
  };
  co_await join_all(name_, std::move(begin));
}

deadline termination::flush_deadline() const { return deadline_after(services_.config.flush_time); }
deadline termination::shutdown_deadline() const { return deadline_after(services_.config.shutdown_time); }

void termination::clear() {
  components_.clear();
  groups_.clear();
  bearers_.clear();
}

}  // namespace agw::gateway
