// A controller in memory: gateways that are played, WICs whose messages are JSON, and a clock that stands still.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/json.hpp>

#include "agw/core/event.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/task_group.hpp"
#include "agw/h248/registration.hpp"
#include "agw/h248/transaction_executor.hpp"
#include "client.hpp"
#include "support/loop.hpp"
#include "unit/h248/link_memory.hpp"

namespace agw::controller::test {

namespace json = boost::json;
using h248::test::memory_network;

/// `text` with each `$` line of a Local filled in, as a gateway does.
inline std::string filled(std::string_view text, const std::string& host, std::uint16_t port, unsigned serial) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto n = std::to_string(serial);
    if (line == "a=fingerprint:sha-256 $") line = "a=fingerprint:sha-256 01:02:03:04";
    if (line == "a=ice-ufrag:$") line = "a=ice-ufrag:ufrag" + n;
    if (line == "a=ice-pwd:$") line = "a=ice-pwd:0123456789abcdef012345" + n;
    if (line == "a=candidate:$") line = "a=candidate:1 1 UDP 2113937151 " + host + " " + std::to_string(port) + " typ host";
    if (line == "a=sctp-port:$") line = "a=sctp-port:5000";
    if (line == "a=path:$") line = "a=path:msrp://" + host + ":" + std::to_string(port) + "/g" + n + ";tcp";
    if (line == "c=IN IP4 $" || line == "c=IN IP6 $") line = line.substr(0, 9) + host;
    if (line.starts_with("m=")) {
      if (const auto at = line.find(" $ "); at != std::string::npos) line.replace(at, 3, " " + std::to_string(port) + " ");
    }
    out += line + "\n";
  }
  return out;
}

/// A gateway as agw-server is one, without media: contexts and terminations by the rules of H.248, names and realms that it refuses,
/// and what the test adds. ContextIDs of each begin with 1, so that those of two gateways are equal.
class gateway_double final : public h248::command_handler {
 public:
  gateway_double(memory_network& network, loop_executor executor, const char* host, const char* mid)
      : address(memory_network::at(host)), host_(host), control(executor, config_of(mid)) {
    control.add_link(network.open(address));
    control.on_admission([this](const h248::incoming_request&) -> std::optional<h248::error_code> {
      return taken ? std::nullopt : std::optional(h248::error_code::before_service_change_reply);
    });
    control.on_request([this](const h248::incoming_request& request, h248::outgoing_reply& reply) -> awaitable<void> {
      ++requests;
      const auto began = life;
      if (before) co_await before(request);
      if (began != life) {  // what was under way is gone with a restart
        reply.fail(h248::error_code::internal_software_failure);
        co_return;
      }
      co_await h248::execute(request, reply, *this);
    });
  }

  struct termination {
    std::set<unsigned> streams;
  };
  using context = std::map<std::string, termination>;

  const h248::peer_address address;

 private:
  std::string host_;

 public:
  h248::endpoint control;
  std::string interface_access = "access", interface_core = "core", realm_core = "core";
  std::map<std::uint32_t, context> contexts;
  std::uint32_t next_context = 1;
  unsigned next_termination = 1;
  unsigned requests = 0;
  unsigned life = 1;
  /// As a restart does.
  void lose_everything() {
    contexts.clear();
    ++life;
    taken = false;
  }
  bool taken = false;  // by the controller: before that its requests get error 505 (H.248.1 11.2)
  /// Awaited before a request is executed.
  std::function<awaitable<void>(const h248::incoming_request&)> before;
  /// An error in place of what a command would do.
  std::function<std::optional<h248::error_code>(const h248::command&)> refuse;
  std::string log;  // what was done, in short

  awaitable<void> begin(h248::action_state& at) override {
    const auto id = at.asked().context;
    if (id.is_specific() && !contexts.contains(id.value)) at.fail(h248::error_code::unknown_context);
    co_return;
  }

  awaitable<void> run(h248::action_state& at, const h248::command& c) override {
    if (refuse) {
      if (const auto code = refuse(c)) {
        at.fail(c, *code);
        co_return;
      }
    }
    switch (c.kind) {
      case h248::command_kind::add: add(at, c); break;
      case h248::command_kind::modify: modify(at, c); break;
      case h248::command_kind::subtract: subtract(at, c); break;
      case h248::command_kind::audit_value: audit_terminations(at, c); break;
      default: at.fail(c, h248::error_code::command_not_allowed_here); break;
    }
  }

  /// A ServiceChange on ROOT; awaited until its reply is there. The error code, 0 when it was taken.
  awaitable<unsigned> service_change(h248::peer_address to, h248::change_method method, std::string reason = "901 Cold Boot") {
    h248::services_descriptor services;
    services.method = method;
    services.reason = h248::quoted(reason);
    services.version = 3;
    services.profile = h248::profile_name{"threegiq", 1};
    h248::list<h248::action> actions;
    actions.push_back(h248::service_change_on_root(std::move(services)));
    if (method == h248::change_method::forced) taken = false;
    std::function<void(const h248::incoming_reply&)> arrived = [&](const h248::incoming_reply& reply) {
      if (method != h248::change_method::forced && reply.error() == nullptr) taken = true;
    };
    auto asking = control.request(to, std::move(actions), 1, std::move(arrived));
    const auto reply = co_await std::move(asking);
    if (!reply) co_return 999;
    co_return reply->error() ? static_cast<unsigned>(reply->error()->code) : 0;
  }

  /// Notifies one event. `parameters` by name and value.
  awaitable<void> notify(h248::peer_address to, std::uint32_t in, std::string on, std::string event, unsigned stream,
                         std::map<std::string, std::string> parameters) {
    h248::list<h248::action> actions;
    actions.push_back(notify_action(in, on, event, stream, parameters));
    auto asking = control.request(to, std::move(actions));
    const auto reply = co_await std::move(asking);
    notified = reply && reply->error() ? static_cast<unsigned>(reply->error()->code) : 0;
  }
  static h248::action notify_action(std::uint32_t in, const std::string& on, const std::string& event, unsigned stream,
                                    const std::map<std::string, std::string>& parameters) {
    h248::action a;
    a.context = h248::context_id{in};
    auto& c = a.commands.emplace_back();
    c.kind = h248::command_kind::notify;
    c.terminations.push_back(h248::termination_id{on});
    h248::observed_events_descriptor observed;
    observed.id = h248::request_id{1000};
    auto& e = observed.events.emplace_back();
    e.name = h248::item_name::of(event);
    e.stream = h248::stream_id{static_cast<std::uint16_t>(stream)};
    for (const auto& [name, value] : parameters) {
      h248::parameter p;
      p.name = name;
      p.values = h248::one(h248::quoted(value));
      e.parameters.push_back(std::move(p));
    }
    c.add(std::move(observed));
    return a;
  }
  unsigned notified = 1;  // the last notify's error code

 private:
  static h248::endpoint_config config_of(const char* mid) {
    h248::endpoint_config out;
    out.mid = h248::mid_name::parse(mid).value();
    return out;
  }

  // 449 for a realm that is not ours, 430 for another interface; 474 for a Local that is no SDP.
  std::optional<h248::error_code> check(const h248::command& c, std::string_view interface) const {
    const auto* media = c.find<h248::media_descriptor>();
    if (!media) return std::nullopt;
    std::optional<h248::error_code> wrong;
    media->for_each_stream([&](h248::stream_id, const h248::stream_parameters& p) {
      if (p.local && !p.local->empty() && !p.local->starts_with("v=0\n")) wrong = h248::error_code::invalid_sdp;
      if (!p.control) return;
      const auto* realm = h248::find(p.control->properties, "ipdc/realm");
      if (realm && interface == interface_core && realm->values.first().text != realm_core) wrong = h248::error_code::unknown_value;
    });
    return wrong;
  }

  void fill(h248::action_state& at, h248::command& answer, const h248::command& c, termination& t) {
    const auto* media = c.find<h248::media_descriptor>();
    if (!media) return;
    h248::media_descriptor out;
    media->for_each_stream([&](h248::stream_id id, const h248::stream_parameters& p) {
      if (!p.local) return;
      if (p.local->empty()) {
        t.streams.erase(id.value);
        return;
      }
      t.streams.insert(id.value);
      if (p.local->find('$') == std::string_view::npos) return;
      auto& stream = out.streams.emplace_back();
      stream.id = id;
      const auto serial = next_termination++;
      stream.parameters.local = at.keep(filled(*p.local, host_, static_cast<std::uint16_t>(20000 + serial), serial));
    });
    if (!out.streams.empty()) answer.add(std::move(out));
  }

  void add(h248::action_state& at, const h248::command& c) {
    const h248::termination_id asked = c.termination();
    const auto interface = asked.field(2);
    if (asked.fields() != 4 || (interface != interface_access && interface != interface_core)) {
      return at.fail(c, h248::error_code::unknown_termination);
    }
    if (const auto wrong = check(c, interface)) return at.fail(c, *wrong);
    std::uint32_t id = at.context().value;
    if (at.context().is_choose()) {
      id = next_context++;
      contexts[id];
      at.set_context(h248::context_id{id});
    }
    std::string name(asked.name);
    name.replace(name.size() - 1, 1, std::to_string(next_termination++));
    auto& t = contexts[id][name];
    log += "A" + std::to_string(id) + " ";
    auto& answer = at.answer(c, h248::termination_id{name});
    fill(at, answer, c, t);
  }

  void modify(h248::action_state& at, const h248::command& c) {
    auto& in = contexts[at.context().value];
    const auto found = in.find(std::string(c.termination().name));
    if (found == in.end()) return at.fail(c, h248::error_code::unknown_termination);
    if (const auto wrong = check(c, c.termination().field(2))) return at.fail(c, *wrong);
    log += "M" + std::to_string(at.context().value) + " ";
    auto& answer = at.answer(c);
    fill(at, answer, c, found->second);
  }

  void subtract(h248::action_state& at, const h248::command& c) {
    if (at.asked().context.is_all()) {
      contexts.clear();
      log += "S* ";
      at.answer(c);
      return;
    }
    const auto in = contexts.extract(at.context().value);
    log += "S" + std::to_string(at.context().value) + " ";
    for (const auto& [name, t] : in.mapped()) {
      auto& answer = at.answer(c, h248::termination_id{name});
      h248::media_descriptor media;
      for (const auto id : t.streams) {
        auto& stream = media.streams.emplace_back();
        stream.id = h248::stream_id{static_cast<std::uint16_t>(id)};
        auto& counted = stream.parameters.statistics.emplace();
        auto& one = counted.entries.emplace_back();
        one.name = h248::item_name::of("nt/os");
        one.values = h248::one("4711");
      }
      if (!media.streams.empty()) answer.add(std::move(media));
    }
  }

  void audit_terminations(h248::action_state& at, const h248::command& c) {
    if (c.termination().is_root() && at.asked().context.is_all()) {
      for (const auto& entry : contexts) {
        at.answer_under(h248::context_id{entry.first});
        at.answer(c);
      }
      return;
    }
    if (c.termination().is_root()) return void(at.answer(c));
    const auto in = contexts.find(at.context().value);
    if (in == contexts.end() || in->second.empty()) return at.fail(c, h248::error_code::no_termination_matched);
    for (const auto& entry : in->second) at.answer(c, h248::termination_id{entry.first});
  }
};

/// A WIC's connection: what it was told, and what it says.
class wic_double final : public message_port {
 public:
  awaitable<std::optional<std::string>> receive() override {
    while (in_.empty() && open_) co_await changed_.wait();
    if (in_.empty()) co_return std::nullopt;
    auto out = std::move(in_.front());
    in_.pop_front();
    co_return out;
  }
  void post(std::string text) override { told.push_back(json::parse(text).as_object()); }
  void say(std::string text) {
    in_.push_back(std::move(text));
    changed_.set();
  }
  void say(const json::object& message) { say(json::serialize(message)); }
  void hang_up() {
    open_ = false;
    changed_.set();
  }
  /// The messages of a type, and of a call where one is named.
  std::vector<json::object> of(std::string_view type, std::string_view call = {}) const {
    std::vector<json::object> out;
    for (const auto& m : told) {
      if (m.at("type").as_string() != type) continue;
      const auto* c = m.if_contains("call");
      if (call.empty() || (c && c->as_string() == call)) out.push_back(m);
    }
    return out;
  }
  std::vector<json::object> told;

 private:
  std::deque<std::string> in_;
  event changed_;
  bool open_ = true;
};

/// Whether the message is about that call.
inline bool is_of(const json::object& m, std::string_view call) {
  const auto* c = m.if_contains("call");
  return c && c->is_string() && std::string_view(c->as_string()) == call;
}

/// What a browser offers, with the ufrag as its mark.
inline std::string wic_sdp(const std::string& mark = "4ZcD") {
  return "v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE data\r\n"
         "m=application 51472 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 192.0.2.7\r\n"
         "a=candidate:1 1 udp 2113937151 192.0.2.7 51472 typ host generation 0\r\na=ice-ufrag:" + mark +
         "\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlas\r\n"
         "a=fingerprint:sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2\r\n"
         "a=setup:actpass\r\na=mid:data\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n";
}

inline json::object channel_json(int id, const std::string& label) {
  json::object c;
  if (id >= 0) c["id"] = id;
  c["label"] = label;
  c["setup"] = "active";
  c["path"] = "msrps://" + label + ".invalid:2855/" + label + ";dc";
  return c;
}

/// Options that keep the bot out: an MSRP peer elsewhere, which nobody dials here.
inline json::object other_peer() {
  json::object peer;
  peer["address"] = "127.0.0.1";
  peer["port"] = 9;
  peer["path"] = "msrp://127.0.0.1:9/x;tcp";
  json::object options;
  options["peer"] = std::move(peer);
  return options;
}

inline json::object offer(const std::string& call, json::array channels = {}) {
  json::object m;
  m["type"] = "offer";
  m["call"] = call;
  m["sdp"] = wic_sdp(call);
  m["options"] = other_peer();
  if (channels.empty()) channels.push_back(channel_json(0, "chat"));
  m["channels"] = std::move(channels);
  return m;
}

inline json::object about(const std::string& type, const std::string& call) {
  json::object m;
  m["type"] = type;
  m["call"] = call;
  return m;
}

struct house {
  explicit house(gateway_options options = {}, h248::registry_config registry = {}, h248::endpoint_config config = {})
      : control(context.get_executor(), with_seed(std::move(config)), nullptr, std::move(registry), std::move(options)) {
    control.control().add_link(network.open(address));
    control.on_gateway = [this] {
      for (auto* c : clients_) c->tell_gateway();
    };
    control.on_traced = [this](const traced_message& m) {
      traced.push_back(m);
      for (auto* c : clients_) c->tell_traced(m);
    };
    spawn([this] { return control.run(); });
    time.settle();
  }
  ~house() {
    group.cancel();
    time.settle();
    if (!group.empty()) std::terminate();
  }
  static h248::endpoint_config with_seed(h248::endpoint_config config) {
    config.seed = config.seed == 0 ? 7 : config.seed;
    return config;
  }

  template <class F>
  void spawn(F f) {
    group.spawn("part", std::move(f));
  }
  /// A gateway that runs; not registered yet.
  gateway_double& gateway(const char* host, const char* mid) {
    auto& g = *gateways.emplace_back(std::make_unique<gateway_double>(network, context.get_executor(), host, mid));
    spawn([&g] { return g.control.run(); });
    time.settle();
    return g;
  }
  unsigned change(gateway_double& g, h248::change_method method, std::string reason = "901 Cold Boot") {
    auto outcome = std::make_shared<unsigned>(1000);
    auto ask = [this, &g, method, reason, outcome]() -> awaitable<void> { *outcome = co_await g.service_change(address, method, reason); };
    spawn(std::move(ask));
    time.settle();
    return *outcome;
  }
  gateway_double& registered(const char* host, const char* mid) {
    auto& g = gateway(host, mid);
    if (change(g, h248::change_method::restart) != 0) throw std::logic_error("not registered");
    return g;
  }
  wic_double& wic() {
    auto& port = *wics.emplace_back(std::make_unique<wic_double>());
    auto live = [this, &port]() -> awaitable<void> {
      client one(client_environment{control, bot, ports, nullptr, nullptr}, port);
      clients_.insert(&one);
      const scope_guard left([&] { clients_.erase(&one); });
      co_await one.run();
    };
    spawn(std::move(live));
    time.settle();
    return port;
  }
  void say(wic_double& who, const json::object& m) {
    who.say(m);
    time.settle();
  }
  void notify(gateway_double& g, std::uint32_t in, std::string on, std::string event, unsigned stream, std::map<std::string, std::string> parameters) {
    auto tell = [=, this, &g]() -> awaitable<void> { co_await g.notify(address, in, on, event, stream, parameters); };
    spawn(std::move(tell));
    time.settle();
  }

  asio::io_context context{1};
  agw::test::manual_clock time{context};
  memory_network network{context.get_executor()};
  const h248::peer_address address = memory_network::at("10.0.0.1");
  port_pool ports{0, 0};
  asio::ip::address bot = asio::ip::make_address("127.0.0.1");
  std::vector<std::unique_ptr<gateway_double>> gateways;
  std::vector<std::unique_ptr<wic_double>> wics;
  std::vector<traced_message> traced;
  mgc control;

 private:
  std::set<client*> clients_;

 public:
  task_group group{context.get_executor(), "house"};
};

}  // namespace agw::controller::test
