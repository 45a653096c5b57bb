// What a change says of one stream: an association, a channel or a bearer, made or changed in place.
#include "refuse.hpp"
#include "termination.hpp"

namespace agw::gateway {

using boost::system::result;

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
    // Remote together with Local is an offer that we answer; without it the offer is ours.
    const auto* remote = wanted.remote ? std::get_if<association_remote>(&*wanted.remote) : nullptr;
    auto reserved = fresh->reserve(*local, change.address, !remote || remote->ice_lite);
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

}  // namespace agw::gateway
