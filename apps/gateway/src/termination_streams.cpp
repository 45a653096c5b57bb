// A change of a termination in two steps: a plan, which may be refused and leaves nothing behind, and its execution.
#include <set>

#include "refuse.hpp"
#include "termination.hpp"

namespace agw::gateway {

using boost::system::result;

namespace {

/// The descriptions of kind T among which Local gives the choice, by their place.
template <class T>
std::vector<std::pair<std::size_t, const T*>> descriptions(const stream_change& wanted) {
  std::vector<std::pair<std::size_t, const T*>> out;
  const auto add = [&](std::size_t place, const stream_local& local) {
    if (const auto* one = std::get_if<T>(&local)) out.emplace_back(place, one);
  };
  if (wanted.local) add(0, *wanted.local);
  for (std::size_t i = 0; i < wanted.alternatives.size(); ++i) add(i + 1, wanted.alternatives[i]);
  return out;
}

refusal no_local(stream_number n) { return refuse(refusal_reason::missing, "Local of stream " + std::to_string(n.value)); }

result<std::map<stream_number, stream_number>, refusal> members_of(const std::vector<stream_group_config>& groups) {
  std::map<stream_number, stream_number> members;
  std::set<stream_number> deaggregations;
  for (const auto& group : groups) {
    if (!deaggregations.insert(group.deaggregation).second) {
      return refuse(refusal_reason::grouping, "two groups of stream " + std::to_string(group.deaggregation.value));
    }
    for (const auto n : group.components) {
      if (!members.emplace(n, group.deaggregation).second || n == group.deaggregation) {
        return refuse(refusal_reason::grouping, "stream " + std::to_string(n.value) + " in two places");
      }
    }
  }
  return members;
}

/// Whether a description in the change is not of the kind that the stream has; by the place in the variants.
bool of_another_kind(const stream_change& wanted, std::optional<std::size_t> is) {
  if (!is) return false;
  if (wanted.local && wanted.local->index() != *is) return true;
  return wanted.remote && wanted.remote->index() != *is;
}

/// An existing stream takes the first description that it can.
template <class Kind, class Stream>
result<void, refusal> agree(const Stream& stream, stream_change& wanted, std::vector<taken_local>* taken, const stream_answer& is) {
  if (!wanted.local) return stream.check(wanted);
  std::optional<refusal> first;
  for (const auto& [place, local] : descriptions<Kind>(wanted)) {
    auto one = wanted;
    one.local = *local;
    auto agreed = stream.check(one);
    if (!agreed) {
      if (!first) first = agreed.error();
      continue;
    }
    wanted = std::move(one);
    if (taken) taken->push_back({place, is});
    return {};
  }
  if (first) return *first;
  return refuse(refusal_reason::conflict, "Local of another kind than the stream");
}

}  // namespace

std::optional<std::size_t> termination::kind_of(stream_number n) const {
  if (groups_.contains(n)) return stream_local(association_local()).index();
  if (components_.contains(n)) return stream_local(channel_local()).index();
  if (bearers_.contains(n)) return stream_local(bearer_local()).index();
  return std::nullopt;
}

result<termination::plan, refusal> termination::plan_of(const termination_change& change) {
  plan out;
  out.members = member_of_;
  out.grouped = grouped_;
  if (change.groups) {
    auto members = members_of(*change.groups);
    if (!members) return members.error();
    out.members = std::move(*members);
    out.grouped = true;
  }
  // Associations first: a component's place depends on them.
  for (const bool associations : {true, false}) {
    for (const auto& [n, wanted] : change.streams) {
      const bool is_one = is_association(wanted) || groups_.contains(n);
      if (is_one != associations) continue;
      if (!wanted.remove && of_another_kind(wanted, kind_of(n))) {
        return refuse(refusal_reason::conflict, "stream " + std::to_string(n.value) + " is of another kind");
      }
      planned_stream s;
      s.number = n;
      s.wanted = wanted;
      const bool core = (wanted.local && std::holds_alternative<bearer_local>(*wanted.local)) ||
                        (wanted.remote && std::holds_alternative<bearer_remote>(*wanted.remote)) || bearers_.contains(n);
      if (!wanted.remove) {
        const auto planned = is_one ? plan_association(out, change, s) : core ? plan_bearer(out, change, s) : plan_channel(out, s);
        if (!planned) return planned.error();
      }
      out.streams.push_back(std::move(s));
    }
  }
  if (const auto sensible = check_groups(out); !sensible) return sensible.error();
  return out;
}

// A stream that a group names may come later. Those that exist have to be of the kind that the group needs, and the data channels
// of an association have different ids.
result<void, refusal> termination::check_groups(const plan& p) const {
  const auto name = [](stream_number n) { return "stream " + std::to_string(n.value); };
  std::set<stream_number> associations, channels, others;
  std::map<stream_number, std::optional<std::uint16_t>> ids;
  for (const auto& entry : groups_) associations.insert(entry.first);
  for (const auto& entry : bearers_) others.insert(entry.first);
  for (const auto& [n, c] : components_) {
    channels.insert(n);
    ids[n] = c->local().sid ? c->local().sid : c->sid();
  }
  for (const auto& s : p.streams) {
    if (s.wanted.remove) {
      for (auto* all : {&associations, &channels, &others}) all->erase(s.number);
    }
    if (s.group) associations.insert(s.number);
    if (s.core) others.insert(s.number);
    if (!s.channel) continue;
    channels.insert(s.number);
    ids[s.number] = s.channel->local().sid;
  }
  std::map<std::pair<stream_number, std::uint16_t>, stream_number> taken;
  for (const auto& [n, group] : p.members) {
    if (associations.contains(n) || others.contains(n)) return refuse(refusal_reason::grouping, name(n) + " of a group is no data channel");
    if (channels.contains(group) || others.contains(group)) {
      return refuse(refusal_reason::grouping, name(group) + " of a group is no association");
    }
    // The channels of an association that this change removes are removed, too.
    if (!channels.contains(n)) continue;
    const bool goes = groups_.contains(group);
    if (!associations.contains(group) && !goes) return refuse(refusal_reason::missing, "Local of " + name(group));
    const auto id = ids.at(n);
    if (!id) continue;
    const auto at = groups_.find(group);
    const bool is_new = std::ranges::any_of(p.streams, [n = n](const planned_stream& s) { return s.channel && s.number == n; });
    if (is_new && *id == sctp::reserved_stream_id) return refuse(refusal_reason::bad_value, "a=dcmap:65535: no stream has this id");
    // A new association's INIT will provide for it.
    const auto renews = [&, number = group](const planned_stream& s) { return s.number == number && at->second->renews(s.wanted); };
    if (is_new && at != groups_.end() && std::ranges::none_of(p.streams, renews)) {
      if (auto bad = at->second->check_id(*id)) return std::move(*bad);
    }
    const auto [other, first] = taken.emplace(std::pair(group, *id), n);
    if (!first) return refuse(refusal_reason::conflict, "a=dcmap:" + std::to_string(*id) + " in " + name(other->second) + " and " + name(n));
  }
  for (const auto& s : p.streams) {
    if (s.channel && !p.members.contains(s.number)) return refuse(refusal_reason::missing, "a stream group for " + name(s.number));
  }
  return {};
}

result<void, refusal> termination::plan_association(plan& p, const termination_change& change, planned_stream& s) {
  const auto n = s.number;
  auto* const taken = s.wanted.alternatives.empty() ? nullptr : &p.answer.taken[n];
  if (const auto found = groups_.find(n); found != groups_.end()) {
    return agree<association_local>(*found->second, s.wanted, taken, found->second->reserved());
  }
  std::optional<refusal> first;
  for (const auto& [place, local] : descriptions<association_local>(s.wanted)) {
    if (s.group) {
      const auto offered = taken && s.wanted.keep_alternatives.value_or(false) ? s.group->offer(*local) : std::nullopt;
      if (offered) taken->push_back({place, *offered});
      continue;
    }
    auto made = std::make_unique<stream_group>(services_, executor_, label(n), n, observer(n));
    made->on_address = [this, n](gateway_event::kind what, const udp::endpoint& seen) {
      emit_address(what, n, what == gateway_event::kind::candidate ? std::optional(layer::ice) : std::nullopt, seen.address(), seen.port());
    };
    // Remote together with Local is an offer that we answer; without it the offer is ours.
    const auto* remote = s.wanted.remote ? std::get_if<association_remote>(&*s.wanted.remote) : nullptr;
    auto reserved = made->reserve(*local, change.addresses, !remote || remote->ice_lite);
    if (!reserved) {
      if (!first) first = reserved.error();
      continue;
    }
    s.group = std::move(made);
    p.answer.streams[n] = *reserved;
    if (taken) taken->push_back({place, *reserved});
  }
  if (!s.group) return first ? *first : no_local(n);
  s.wanted.local.reset();
  return s.group->check(s.wanted);
}

result<void, refusal> termination::plan_channel(plan& p, planned_stream& s) {
  const auto n = s.number;
  auto* const taken = s.wanted.alternatives.empty() ? nullptr : &p.answer.taken[n];
  if (const auto found = components_.find(n); found != components_.end()) {
    return agree<channel_local>(*found->second, s.wanted, taken, {});
  }
  std::optional<refusal> first;
  for (const auto& [place, local] : descriptions<channel_local>(s.wanted)) {
    auto made = std::make_shared<component>(services_, label(n), links_(n), component_observer(n));
    if (auto done = made->configure(*local); !done) {
      if (!first) first = done.error();
      continue;
    }
    made->on_end = [this, n](side ended) {
      if (ended == side::wic) emit(gateway_event::kind::released, n, layer::channel);
      const auto c = components_.find(n);
      auto* const core = c == components_.end() ? nullptr : c->second->core();
      if (ended == side::core && core) core->died(gateway_event::kind::released, layer::tcp, {});
    };
    s.channel = std::move(made);
    if (taken) taken->push_back({place, {}});
    break;
  }
  if (!s.channel) return first ? *first : no_local(n);
  s.wanted.local.reset();
  if (!p.grouped) {
    std::set<stream_number> groups;
    for (const auto& entry : groups_) groups.insert(entry.first);
    for (const auto& other : p.streams) {
      if (other.group) groups.insert(other.number);
      if (other.wanted.remove) groups.erase(other.number);
    }
    if (groups.size() != 1) return refuse(refusal_reason::missing, "a stream group for stream " + std::to_string(n.value));
    p.members[n] = *groups.begin();
  }
  return s.channel->check(s.wanted);
}

result<void, refusal> termination::plan_bearer(plan& p, const termination_change& change, planned_stream& s) {
  const auto n = s.number;
  auto* const taken = s.wanted.alternatives.empty() ? nullptr : &p.answer.taken[n];
  if (const auto found = bearers_.find(n); found != bearers_.end()) {
    return agree<bearer_local>(*found->second, s.wanted, taken, found->second->reserved());
  }
  std::optional<refusal> first;
  for (const auto& [place, local] : descriptions<bearer_local>(s.wanted)) {
    if (s.core) {
      const auto offered = taken && s.wanted.keep_alternatives.value_or(false) ? s.core->offer(*local) : std::nullopt;
      if (offered) taken->push_back({place, *offered});
      continue;
    }
    auto made = std::make_unique<bearer>(services_, executor_, label(n), links_(n), observer(n));
    watch(*made, n);
    auto reserved = made->reserve(*local, change.addresses);
    if (!reserved) {
      if (!first) first = reserved.error();
      continue;
    }
    s.core = std::move(made);
    p.answer.streams[n] = *reserved;
    if (taken) taken->push_back({place, *reserved});
  }
  if (!s.core) return first ? *first : no_local(n);
  s.wanted.local.reset();
  return s.core->check(s.wanted);
}

void termination::carry_out(planned_stream& s, termination_answer& answer) {
  const auto n = s.number;
  if (s.group) {
    s.group->apply(s.wanted);
    s.group->start();
    groups_.emplace(n, std::move(s.group));
    return;
  }
  if (s.core) {
    s.core->apply(s.wanted);
    s.core->start();
    bearers_.emplace(n, std::move(s.core));
    return;
  }
  const auto change = [&](auto& stream) {
    stream.apply(s.wanted);
    if (s.wanted.local) answer.streams[n] = stream.reserved();
  };
  if (const auto found = groups_.find(n); found != groups_.end()) {
    auto& group = *found->second;
    const auto before = group.reserved();
    change(group);
    if (group.reserved().ice_ufrag == before.ice_ufrag && group.reserved().tls_id == before.tls_id) return;
    answer.restarted.push_back(n);
    answer.streams[n] = group.reserved();
    if (const auto taken = answer.taken.find(n); taken != answer.taken.end()) {
      for (auto& one : taken->second) one.answer = group.answer_in(family_of(std::get<association_answer>(one.answer).address));
    }
    return;
  }
  if (const auto found = bearers_.find(n); found != bearers_.end()) return change(*found->second);
  if (s.channel) components_.emplace(n, std::move(s.channel));
  if (const auto found = components_.find(n); found != components_.end()) found->second->apply(s.wanted);
}

}  // namespace agw::gateway
