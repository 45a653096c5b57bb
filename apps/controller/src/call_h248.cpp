// The H.248 requests of a call.
#include "agw/core/log.hpp"
#include "agw/h248/sdp.hpp"
#include "call.hpp"
#include "call_failure.hpp"
#include "event_names.hpp"

namespace agw::controller {

namespace {

constexpr std::uint32_t events_id = 1000;

h248::events_descriptor wanted_events() {
  h248::events_descriptor out;
  out.id = h248::request_id{events_id};
  for (const auto name : {"tcpbcc/BNCChange", "tlsbsc/BNCChange", "sctpbcc/BNCChange", channel_change, "ostuncc/ccr", consent_failure, "g/cause"}) {
    auto& event = out.events.emplace_back();
    event.name = h248::item_name::of(name);
  }
  return out;
}

h248::stream_mode mode_of(std::string_view word) {
  if (word == "inactive") return h248::stream_mode::inactive;
  if (word == "sendonly") return h248::stream_mode::send_only;
  if (word == "recvonly") return h248::stream_mode::receive_only;
  return h248::stream_mode::send_receive;
}

h248::command command_on(h248::command_kind kind, std::string_view termination) {
  h248::command c;
  c.kind = kind;
  c.terminations.push_back(h248::termination_id{termination});
  return c;
}

/// What an Add chooses: ip/GROUP/INTERFACE/$.
std::string chosen_name(const gateway_settings& names, const std::string& interface) {
  return "ip/" + std::to_string(names.group) + "/" + interface + "/$";
}

void add_realm(composed& what, h248::local_control& control, const std::string& realm) {
  if (realm.empty()) return;
  h248::property p;
  p.name = h248::item_name::of("ipdc/realm");
  p.values = h248::one(h248::quoted(what.keep(realm)));
  control.properties.push_back(std::move(p));
}

/// Local of a stream in a reply; empty when there is none.
std::string_view local_in(const h248::command& reply, std::uint16_t stream) {
  const auto* media = reply.find<h248::media_descriptor>();
  const auto* s = media ? media->find(h248::stream_id{stream}) : nullptr;
  return s && s->local ? *s->local : std::string_view();
}

}  // namespace

h248::action& call::action_of(composed& what) {
  if (what.actions.empty()) what.actions.emplace_back().context = place_.context();
  return what.actions.front();
}

// The reply of a request that must succeed. Where the call is to end, nothing follows it.
awaitable<h248::incoming_reply> call::perform(composed& what) {
  if (end_cause_) throw ended_early();
  auto reply = co_await env_.control.request(place_, what);
  if (end_cause_) throw ended_early();
  if (!reply) throw call_failure("h248", what.summary + ": " + reply.error().message());
  if (const auto* e = reply->error()) {
    throw call_failure("h248", what.summary + ": error " + std::to_string(static_cast<unsigned>(e->code)) + " " + std::string(e->text),
                       static_cast<unsigned>(e->code));
  }
  if ((*reply)->actions.empty()) throw call_failure("h248", what.summary + ": an empty reply");
  co_return std::move(*reply);
}

void call::add_core_stream(composed& what, h248::media_descriptor& media, leg& l, const std::string* remote) {
  auto& stream = media.streams.emplace_back();
  stream.id = h248::stream_id{l.stream};
  auto& control = stream.parameters.control.emplace();
  control.mode = mode_of(options_.mode);
  add_realm(what, control, place_.gateway().settings.core_realm);
  if (l.core_local.empty()) {
    const auto& peer = options_.peer ? options_.peer->address : env_.bot_address;
    std::string local = "v=0\nc=IN " + std::string(peer.is_v6() ? "IP6" : "IP4") + " $\nm=message $ " + std::string(core_protocol()) +
                        " *\na=setup:" + options_.core_setup + "\n";
    if (options_.aware) local += "a=path:$\n";
    if (options_.tls) local += "a=fingerprint:sha-256 $\n";
    stream.parameters.local = what.keep(std::move(local));
  } else {
    stream.parameters.local = l.core_local;
  }
  if (remote) stream.parameters.remote = what.keep(*remote);
}

// Steps 2 to 4: a connection point towards the core.
awaitable<void> call::reserve_core(leg& l, const std::string* remote) {
  const bool fresh = t2_.empty();
  const auto& names = place_.gateway().settings;
  composed what;
  what.step = 2;
  what.summary = (fresh ? "Add T2" : "Modify T2") + std::string(" · stream ") + std::to_string(l.stream) + ": reserve";
  auto command = command_on(fresh ? h248::command_kind::add : h248::command_kind::modify,
                            what.keep(fresh ? chosen_name(names, names.core_interface) : t2_));
  h248::media_descriptor media;
  add_core_stream(what, media, l, remote);
  command.add(std::move(media));
  if (fresh) command.add(wanted_events());
  action_of(what).commands.push_back(std::move(command));
  const auto reply = co_await perform(what);
  const auto& action = reply->actions.front();
  if (action.commands.empty()) throw call_failure("h248", what.summary + ": no command in the reply");
  const auto& answer = action.commands.front();
  t2_ = std::string(answer.termination().name);
  l.core_local = std::string(local_in(answer, l.stream));
  if (l.core_local.empty()) throw call_failure("h248", what.summary + ": the reply has no Local");
  l.core_known.set();
}

// Steps 7 to 10: the core peer's answer. The TCP connection starts with it.
awaitable<void> call::configure_core(leg& l, std::string remote) {
  composed what;
  what.step = 8;
  what.summary = "Modify T2 · stream " + std::to_string(l.stream) + ": configure";
  auto command = command_on(h248::command_kind::modify, t2_);
  h248::media_descriptor media;
  add_core_stream(what, media, l, &remote);
  command.add(std::move(media));
  action_of(what).commands.push_back(std::move(command));
  started("tcp", l.stream);  // the gateway may be quicker than its reply
  co_await perform(what);
}

// An empty Local gives a stream back. The call does without an answer: Subtract takes what is left.
awaitable<void> call::release_core(std::vector<std::uint16_t> streams) {
  composed what;
  what.summary = "Modify T2 · release";
  auto command = command_on(h248::command_kind::modify, t2_);
  h248::media_descriptor media;
  for (const auto id : streams) {
    what.summary += " " + std::to_string(id);
    auto& stream = media.streams.emplace_back();
    stream.id = h248::stream_id{id};
    stream.parameters.local = std::string_view();
  }
  command.add(std::move(media));
  action_of(what).commands.push_back(std::move(command));
  const auto reply = co_await env_.control.request(place_, what);
  if (!reply) log::warn("call {}: {}: {}", name_, what.summary, reply.error().message());
  if (reply && reply->error()) log::warn("call {}: {}: error {}", name_, what.summary, static_cast<unsigned>(reply->error()->code));
}

std::string call::group_value() const {
  std::string out = "DEAGG 1";
  for (const auto& l : legs_) out += " " + std::to_string(l->stream);
  return out;
}

// Steps 11 to 13: the access side with its stream group. `remote` is S1's, when the WIC is known already.
awaitable<void> call::configure_access(const std::string* remote, std::string_view setup) {
  const bool fresh = t1_.empty();
  const auto& names = place_.gateway().settings;
  composed what;
  what.step = 11;
  what.summary = (fresh ? "Add T1" : "Modify T1") + std::string(" · group ") + group_value();
  auto command = command_on(fresh ? h248::command_kind::add : h248::command_kind::modify,
                            what.keep(fresh ? chosen_name(names, names.access_interface) : t1_));
  h248::media_descriptor media;
  auto& state = media.state.emplace();
  h248::property groups;
  groups.name = h248::item_name::of("mgroup/sem");
  groups.values = h248::one(h248::quoted(what.keep(group_value())));
  state.properties.push_back(std::move(groups));
  if (fresh || remote) {
    auto& s1 = media.streams.emplace_back();
    s1.id = h248::stream_id{1};
    auto& control = s1.parameters.control.emplace();
    control.mode = h248::stream_mode::send_receive;
    add_realm(what, control, names.access_realm);
    s1.parameters.local =
        fresh ? what.keep(association_local(setup, options_.sctp_port, names.access_ip6, !wic_.tls_id.empty())) : std::string_view(access_local_);
    if (remote) s1.parameters.remote = *remote;
  }
  for (const auto& l : legs_) {
    if (l->on_access && !remote) continue;
    auto& stream = media.streams.emplace_back();
    stream.id = h248::stream_id{l->stream};
    stream.parameters.control.emplace().mode = mode_of(options_.mode);
    const auto ours = toward_wic(l->wic);
    stream.parameters.local = what.keep(channel_local(ours, l->wic_to_path, l->wic.setup == "active" ? "passive" : "active", !options_.aware));
    if (!l->wic.path.empty()) stream.parameters.remote = what.keep(channel_remote(l->wic, !options_.aware));
  }
  command.add(std::move(media));
  if (fresh) command.add(wanted_events());
  action_of(what).commands.push_back(std::move(command));
  const auto reply = co_await perform(what);
  const auto& action = reply->actions.front();
  if (fresh) {
    if (action.commands.empty()) throw call_failure("h248", what.summary + ": no command in the reply");
    const auto& answer = action.commands.front();
    t1_ = std::string(answer.termination().name);
    access_local_ = std::string(local_in(answer, 1));
    if (access_local_.empty()) throw call_failure("h248", what.summary + ": the reply has no Local");
  }
  for (const auto& l : legs_) l->on_access = true;
  if (remote) started("ice", 1);
}

// The WIC's new offer in a living call. Local comes back with the credentials of an ICE restart.
awaitable<void> call::update_association(std::string local, std::string remote, bool anew) {
  composed what;
  what.summary = anew ? "Modify T1: a new association" : "Modify T1: the WIC's new offer";
  auto command = command_on(h248::command_kind::modify, t1_);
  h248::media_descriptor media;
  auto& s1 = media.streams.emplace_back();
  s1.id = h248::stream_id{1};
  s1.parameters.local = what.keep(std::move(local));
  s1.parameters.remote = what.keep(std::move(remote));
  command.add(std::move(media));
  action_of(what).commands.push_back(std::move(command));
  const auto reply = co_await perform(what);
  const auto& action = reply->actions.front();
  if (action.commands.empty()) throw call_failure("h248", what.summary + ": no command in the reply");
  const auto filled = local_in(action.commands.front(), 1);
  access_local_ = filled.empty() ? std::string(*what.actions.front().commands.front().find<h248::media_descriptor>()->streams.front().parameters.local)
                                 : std::string(filled);
}

awaitable<void> call::set_mode(std::optional<std::uint16_t> id, std::string mode) {
  channel named;
  named.id = id;
  const auto* l = id ? find_leg(named) : nullptr;
  if (l == nullptr) throw call_failure("bad-message", "the call has no such channel");
  composed what;
  what.summary = "Modify T1, T2 · stream " + std::to_string(l->stream) + ": " + mode;
  for (const auto* termination : {&t1_, &t2_}) {
    auto command = command_on(h248::command_kind::modify, *termination);
    h248::media_descriptor media;
    auto& stream = media.streams.emplace_back();
    stream.id = h248::stream_id{l->stream};
    stream.parameters.control.emplace().mode = mode_of(mode);
    command.add(std::move(media));
    action_of(what).commands.push_back(std::move(command));
  }
  co_await perform(what);
}

awaitable<void> call::audit() {
  composed what;
  what.summary = "AuditValue of the call";
  auto command = command_on(h248::command_kind::audit_value, "*");
  h248::audit_descriptor wanted;
  wanted.items.push_back(h248::audit_item(h248::audit_token::media));
  wanted.items.push_back(h248::audit_item(h248::audit_token::statistics));
  command.add(std::move(wanted));
  action_of(what).commands.push_back(std::move(command));
  co_await perform(what);
}

// Whether the context is there still, after the gateway was away.
awaitable<void> call::verify() {
  if (!place_.context().is_specific()) co_return;
  composed what;
  what.summary = "AuditValue: is the context there?";
  auto command = command_on(h248::command_kind::audit_value, "*");
  command.add(h248::audit_descriptor{});
  action_of(what).commands.push_back(std::move(command));
  const auto reply = co_await env_.control.request(place_, what);
  if (!reply || !reply->error()) co_return;
  const auto code = reply->error()->code;
  if (code == h248::error_code::unknown_context || code == h248::error_code::no_termination_matched) {
    place_.subtracted();
    end("gateway");
  }
}

// Everything of the context goes; what was counted comes back with the reply.
awaitable<void> call::subtract() {
  if (!place_ || !place_.context().is_specific()) co_return;
  composed what;
  what.summary = "Subtract *";
  action_of(what).commands.push_back(command_on(h248::command_kind::subtract, "*"));
  const auto reply = co_await env_.control.request(place_, what);
  if (!reply) {
    log::warn("call {}: Subtract: {}", name_, reply.error().message());
    place_.abandoned();
    co_return;
  }
  place_.subtracted();
  for (const auto& action : (*reply)->actions) {
    for (const auto& c : action.commands) {
      const auto* media = c.find<h248::media_descriptor>();
      if (!media) continue;
      media->for_each_stream([&](h248::stream_id id, const h248::stream_parameters& p) {
        if (!p.statistics) return;
        json::object one;
        one["termination"] = std::string(c.termination().name);
        one["stream"] = id.value;
        for (const auto& s : p.statistics->entries) {
          const auto value = s.values.first();
          const auto number = value.as_integer();
          const auto key = h248::to_text(s.name);
          if (number) {
            one[key] = *number;
          } else {
            one[key] = std::string(value.text);
          }
        }
        statistics_.push_back(std::move(one));
      });
    }
  }
}

}  // namespace agw::controller
