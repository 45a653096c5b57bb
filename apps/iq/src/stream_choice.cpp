#include "stream_choice.hpp"

#include <algorithm>

namespace agw::iq {

using h248::error_code;

namespace {

/// What a Local that comes again leaves out stays as it was.
h248::sdp completed(h248::sdp description, const h248::sdp& before) {
  for (const char* name : {"setup", "max-message-size", "path"}) {
    if (description.has_attribute(name)) continue;
    if (const auto value = before.attribute(name)) description.add_attribute(name, *value);
  }
  return description;
}

bool same_protocol(const h248::sdp& a, const h248::sdp& b) {
  const auto ours = a.media(), theirs = b.media();
  return ours && theirs && ours->is_protocol(theirs->protocol);
}

bool same_family(const h248::sdp& a, const h248::sdp& b) {
  const auto ours = a.connection(), theirs = b.connection();
  return !ours || !theirs || ours->any_family || theirs->any_family || ours->ip6 == theirs->ip6;
}

/// The first description of Remote that goes with `local`; by protocol and address family where there is a choice.
std::optional<std::size_t> partner(const h248::sdp& local, const std::vector<h248::sdp>& remotes, stream_kind kind, bool choosy) {
  for (std::size_t i = 0; i < remotes.size(); ++i) {
    const bool fits = !choosy || (same_protocol(local, remotes[i]) && same_family(local, remotes[i]));
    if (fits && remote_of(remotes[i], kind)) return i;
  }
  return std::nullopt;
}

/// A line of Local that asks the gateway to choose what it has no choice of; empty when there is none.
std::string unanswerable(h248::sdp d, const gateway::stream_local& local) {
  gateway::stream_answer any;
  const auto c = d.connection();
  const gateway::ip_address some = c && c->ip6 ? gateway::ip_address(boost::asio::ip::address_v6()) : gateway::ip_address();
  if (std::holds_alternative<gateway::association_local>(local)) {
    gateway::association_answer a;
    a.address = some;
    a.port = a.sctp_port = 1;
    a.ice_ufrag = a.ice_pwd = a.tls_id = "x";
    a.fingerprint = "sha-256 00";
    any = std::move(a);
  } else if (const auto* bearer = std::get_if<gateway::bearer_local>(&local)) {
    gateway::bearer_answer b;
    b.address = some;
    b.port = 1;
    if (bearer->choose_path) b.path = {"x"};
    if (bearer->tls) b.fingerprint = "sha-256 00";
    any = std::move(b);
  } else {
    d.fill_dcmap_id(0);  // stays until the channel is open
  }
  const auto answered = filled(std::move(d), any);
  for (const auto& line : answered.lines()) {
    if (line.has_choose()) return std::string(1, line.type) + "=" + line.value;
  }
  return {};
}

/// An address of a family that the interface does not have cannot be chosen on it.
bool asks_for_missing_family(const h248::sdp& d, const interface_config& interface) {
  const auto c = d.connection();
  return c && c->choose() && !c->any_family &&
         std::ranges::none_of(interface.addresses.bound, [&](const gateway::ip_address& a) { return a.is_v6() == c->ip6; });
}

/// Fills in `locals` and `descriptions`; an error when nothing can be had and that is one.
checked<void> choose_local(stream_choice& out, std::vector<h248::sdp> all, const stream_record& known, bool reserve,
                           const interface_config& interface) {
  out.local_over_specified = all.size() > 1;
  const auto before = known.has_local ? h248::sdp::parse_one(known.local) : h248::sdp_result<h248::sdp>(h248::sdp());
  std::optional<command_error> why;
  for (auto& one : all) {
    auto local = local_of(known.has_local && before ? completed(one, *before) : one);
    if (local && asks_for_missing_family(one, interface)) {
      local = command_error(error_code::conflicting_values, "c=" + one.connection()->to_text() + " on interface " + interface.name);
    }
    if (local) {
      if (auto line = unanswerable(one, *local); !line.empty()) local = command_error(error_code::unknown_value, std::move(line));
    }
    if (!local) {
      if (!why) why = local.error();
      continue;
    }
    if (!out.locals.empty() && kind_of_local(*local) != kind_of_local(out.locals.front())) continue;
    out.locals.push_back(std::move(*local));
    out.descriptions.push_back(std::move(one));
  }
  if (!out.locals.empty()) return {};
  if (reserve) {
    out.unsupportable = true;
    return {};
  }
  if (!out.local_over_specified) return *why;
  return command_error(error_code::insufficient_resources, "no alternative of Local: " + why->text);
}

/// Leaves those of Local that go with the chosen description of Remote.
void keep_partners(stream_choice& out, const std::vector<h248::sdp>& remotes, std::size_t chosen, stream_kind kind) {
  std::vector<h248::sdp> descriptions;
  std::vector<gateway::stream_local> locals;
  for (std::size_t i = 0; i < out.locals.size(); ++i) {
    if (partner(out.descriptions[i], remotes, kind, true) != chosen) continue;
    descriptions.push_back(std::move(out.descriptions[i]));
    locals.push_back(std::move(out.locals[i]));
  }
  if (locals.empty()) return;
  out.descriptions = std::move(descriptions);
  out.locals = std::move(locals);
}

checked<void> choose_remote(stream_choice& out, std::vector<h248::sdp> all, const stream_record& known) {
  out.remote_over_specified = all.size() > 1;
  const auto kind = out.locals.empty() ? known.kind : kind_of_local(out.locals.front());
  std::optional<std::size_t> chosen;
  for (const bool choosy : {true, false}) {
    if (chosen) break;
    if (out.locals.empty()) {
      if (all.size() == 1) {  // nothing to choose
        if (remote_of(all.front(), kind)) chosen = 0;
        continue;
      }
      const auto ours = h248::sdp::parse_one(known.local);
      chosen = partner(ours ? *ours : h248::sdp(), all, kind, choosy);
      continue;
    }
    for (const auto& local : out.descriptions) {
      if (!chosen) chosen = partner(local, all, kind, choosy);
    }
  }
  if (!chosen) {
    const auto why = remote_of(all.front(), kind);
    if (all.size() == 1) return why.error();
    return command_error(error_code::insufficient_resources, "no alternative of Remote: " + why.error().text);
  }
  if (out.locals.size() > 1) keep_partners(out, all, *chosen, kind);
  auto remote = remote_of(all[*chosen], kind);
  out.remote = std::move(*remote);
  out.remote_description = std::move(all[*chosen]);
  return {};
}

}  // namespace

stream_kind kind_of_local(const gateway::stream_local& l) {
  if (std::holds_alternative<gateway::association_local>(l)) return stream_kind::association;
  return std::holds_alternative<gateway::channel_local>(l) ? stream_kind::channel : stream_kind::bearer;
}

checked<stream_choice> choose(const h248::read_sessions& given, const stream_record& known, bool reserve, const interface_config& interface) {
  stream_choice out;
  if (given.local) {
    if (given.local->empty()) {
      out.gives_back = true;
      return out;
    }
    if (auto done = choose_local(out, *given.local, known, reserve, interface); !done) return done.error();
    if (out.unsupportable) return out;
  }
  if (!given.remote) return out;
  out.forgets_remote = given.remote->empty();
  if (out.forgets_remote) return out;
  if (out.locals.empty() && !known.has_local) return command_error(error_code::missing_local_or_remote, "Local");
  if (auto done = choose_remote(out, *given.remote, known); !done) return done.error();
  return out;
}

std::string selected(const std::string& local, const h248::sdp& remote) {
  const auto all = h248::sdp::parse(local);
  if (!all || all->size() < 2) return local;
  const auto found = std::ranges::find_if(*all, [&](const h248::sdp& one) { return same_protocol(one, remote); });
  return (found == all->end() ? all->front() : *found).to_text();
}

}  // namespace agw::iq
