// The H.248 requests of a call.
#include <boost/asio/ip/address.hpp>

#include "agw/core/log.hpp"
#include "agw/h248/sdp.hpp"
#include "call.hpp"
#include "call_failure.hpp"

namespace agw::controller {

namespace {

constexpr std::uint32_t events_id = 1000;

h248::events_descriptor wanted_events() {
  h248::events_descriptor out;
  out.id = h248::request_id{events_id};
  for (const auto name : {"tcpbcc/BNCChange", "tlsbsc/BNCChange", "sctpbcc/BNCChange", "dcep/chg", "ostuncc/ccr",
                          "stnconfres/fail", "g/cause"}) {
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

/// Local of a stream in a reply; empty when there is none.
std::string_view local_in(const h248::command& reply, std::uint16_t stream) {
  const auto* media = reply.find<h248::media_descriptor>();
  const auto* s = media ? media->find(h248::stream_id{stream}) : nullptr;
  return s && s->local ? *s->local : std::string_view();
}

}  // namespace

h248::action& call::action_of(composed& what) {
  if (what.actions.empty()) what.actions.emplace_back().context = context_;
  return what.actions.front();
}

awaitable<result<h248::incoming_reply>> call::exchange(composed& what) { co_return co_await env_.control.request(this, what); }

// The reply of a request that must succeed; anything else ends the call.
awaitable<h248::incoming_reply> call::perform(composed& what) {
  auto reply = co_await exchange(what);
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
  h248::property realm;
  realm.name = h248::item_name::of("ipdc/realm");
  realm.values = h248::one(h248::quoted("core"));
  control.properties.push_back(std::move(realm));
  if (l.core_local.empty()) {
    std::string local = "v=0\nc=IN IP4 $\nm=message $ " + std::string(options_.aware ? "TCP/MSRP" : "TCP") + " *\na=setup:" + options_.core_setup + "\n";
    if (options_.aware) local += "a=path:$\n";
    stream.parameters.local = what.keep(std::move(local));
  } else {
    stream.parameters.local = l.core_local;
  }
  if (remote) stream.parameters.remote = what.keep(*remote);
}

// Steps 2 to 4: a connection point towards the core.
awaitable<void> call::reserve_core(leg& l, const std::string* remote) {
  composed what;
  what.step = 2;
  what.summary = (t2_.empty() ? "Add T2" : "Modify T2") + std::string(" · stream ") + std::to_string(l.stream) + ": reserve";
  auto command = command_on(t2_.empty() ? h248::command_kind::add : h248::command_kind::modify, t2_.empty() ? std::string_view("ip/1/core/$") : std::string_view(t2_));
  h248::media_descriptor media;
  add_core_stream(what, media, l, remote);
  command.add(std::move(media));
  if (t2_.empty()) command.add(wanted_events());
  action_of(what).commands.push_back(std::move(command));
  const auto reply = co_await perform(what);
  const auto& action = reply->actions.front();
  if (context_.is_choose()) {
    context_ = action.context;
    env_.control.attach(context_, *this);
  }
  if (action.commands.empty()) throw call_failure("h248", what.summary + ": no command in the reply");
  const auto& answer = action.commands.front();
  t2_ = std::string(answer.termination().name);
  l.core_local = std::string(local_in(answer, l.stream));
  if (l.core_local.empty()) throw call_failure("h248", what.summary + ": the reply has no Local");
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

std::string call::group_value() const {
  std::string out = "DEAGG 1";
  for (const auto& l : legs_) out += " " + std::to_string(l->stream);
  return out;
}

// Steps 11 to 13: the access side with its stream group. `remote` is S1's, when the WIC is known already.
awaitable<void> call::configure_access(const std::string* remote, std::string_view setup) {
  const bool fresh = t1_.empty();
  composed what;
  what.step = 11;
  what.summary = (fresh ? "Add T1" : "Modify T1") + std::string(" · group ") + group_value();
  auto command = command_on(fresh ? h248::command_kind::add : h248::command_kind::modify, fresh ? std::string_view("ip/1/access/$") : std::string_view(t1_));
  h248::media_descriptor media;
  auto& state = media.state.emplace();
  h248::property groups;
  groups.name = h248::item_name::of("mgroup/sem");
  groups.values = h248::one(h248::quoted(what.keep(group_value())));
  state.properties.push_back(std::move(groups));
  if (fresh || remote) {
    auto& s1 = media.streams.emplace_back();
    s1.id = h248::stream_id{1};
    s1.parameters.control.emplace().mode = h248::stream_mode::send_receive;
    s1.parameters.local = fresh ? what.keep(association_local(setup, options_.sctp_port)) : std::string_view(access_local_);
    if (remote) s1.parameters.remote = *remote;
  }
  for (const auto& l : legs_) {
    if (l->on_access && !remote) continue;
    auto& stream = media.streams.emplace_back();
    stream.id = h248::stream_id{l->stream};
    stream.parameters.control.emplace().mode = mode_of(options_.mode);
    stream.parameters.local = what.keep(channel_local(l->wic, l->wic_to_path, l->wic.setup == "active" ? "passive" : "active", !options_.aware));
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

awaitable<void> call::set_mode(const call_message& m) {
  composed what;
  for (const auto& l : legs_) {
    if (!m.id || l->wic.id != m.id) continue;
    what.summary = "Modify T1, T2 · stream " + std::to_string(l->stream) + ": " + m.mode;
    for (const auto* termination : {&t1_, &t2_}) {
      auto command = command_on(h248::command_kind::modify, *termination);
      h248::media_descriptor media;
      auto& stream = media.streams.emplace_back();
      stream.id = h248::stream_id{l->stream};
      stream.parameters.control.emplace().mode = mode_of(m.mode);
      command.add(std::move(media));
      action_of(what).commands.push_back(std::move(command));
    }
  }
  if (!what.actions.empty()) co_await perform(what);
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
  co_await exchange(what);
}

// Everything of the context goes; what was counted comes back with the reply.
awaitable<void> call::subtract() {
  if (context_.is_choose()) co_return;
  composed what;
  what.summary = "Subtract *";
  action_of(what).commands.push_back(command_on(h248::command_kind::subtract, "*"));
  const auto reply = co_await exchange(what);
  if (!reply) {
    log::warn("call {}: Subtract: {}", name_, reply.error().message());
    co_return;
  }
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
          const std::string key = std::string(s.name.package) + "/" + std::string(s.name.item);
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
