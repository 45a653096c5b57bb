#include "client.hpp"

#include <chrono>

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/h248/link_address.hpp"
#include "call_failure.hpp"
#include "agw/version.hpp"

namespace agw::controller {

namespace {

constexpr std::size_t most_calls = 64;

/// A member that is wrong is told by its name.
struct bad_member {
  std::string name;
};

std::string text_of(const json::object& o, std::string_view name, bool needed = false) {
  const auto* v = o.if_contains(name);
  if (!v || v->is_null()) {
    if (needed) throw bad_member{std::string(name)};
    return {};
  }
  if (!v->is_string()) throw bad_member{std::string(name)};
  return std::string(v->as_string());
}

std::optional<std::uint16_t> id_of(const json::object& o) {
  const auto* v = o.if_contains("id");
  if (!v || v->is_null()) return std::nullopt;
  if (!v->is_int64() || v->as_int64() < 0 || v->as_int64() > 65534) throw bad_member{"id"};
  return static_cast<std::uint16_t>(v->as_int64());
}

bool flag_of(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  if (!v) return false;
  if (!v->is_bool()) throw bad_member{std::string(name)};
  return v->as_bool();
}

/// Values that go into SDP lines may not bring line ends along.
std::string line_value(std::string text, std::string_view name) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) throw bad_member{std::string(name)};
  }
  return text;
}

std::vector<channel> channels_of(const json::object& message) {
  std::vector<channel> out;
  const auto* all = message.if_contains("channels");
  if (!all || all->is_null()) return out;
  if (!all->is_array() || all->as_array().size() > 32) throw bad_member{"channels"};
  for (const auto& entry : all->as_array()) {
    if (!entry.is_object()) throw bad_member{"channels"};
    const auto& o = entry.as_object();
    channel c;
    c.id = id_of(o);
    c.label = line_value(text_of(o, "label"), "label");
    if (auto protocol = line_value(text_of(o, "subprotocol"), "subprotocol"); !protocol.empty()) c.subprotocol = std::move(protocol);
    c.dcep = flag_of(o, "dcep");
    c.path = line_value(text_of(o, "path"), "path");
    c.setup = line_value(text_of(o, "setup"), "setup");
    out.push_back(std::move(c));
  }
  return out;
}

call_options options_of(const json::object& message) {
  call_options out;
  const auto* given = message.if_contains("options");
  if (!given || given->is_null()) return out;
  if (!given->is_object()) throw bad_member{"options"};
  const auto& o = given->as_object();
  out.aware = text_of(o, "interworking") == "aware";
  if (auto setup = text_of(o, "coreSetup"); !setup.empty()) {
    if (setup != "active" && setup != "passive" && setup != "actpass") throw bad_member{"options.coreSetup"};
    out.core_setup = std::move(setup);
  }
  if (auto mode = text_of(o, "mode"); !mode.empty()) out.mode = std::move(mode);
  if (const auto* port = o.if_contains("sctpPort"); port && !port->is_null()) {
    if (!port->is_int64() || port->as_int64() < 1 || port->as_int64() > 65535) throw bad_member{"options.sctpPort"};
    out.sctp_port = static_cast<std::uint16_t>(port->as_int64());
  }
  if (const auto* peer = o.if_contains("peer"); peer && peer->is_object()) {
    const auto& p = peer->as_object();
    call_options::external_peer external;
    external.address = text_of(p, "address", true);
    external.path = line_value(text_of(p, "path"), "options.peer.path");
    const auto* port = p.if_contains("port");
    if (!port || !port->is_int64() || port->as_int64() < 1 || port->as_int64() > 65535) throw bad_member{"options.peer.port"};
    external.port = static_cast<std::uint16_t>(port->as_int64());
    out.peer = std::move(external);
  }
  return out;
}

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > 64) return false;
  for (const char c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

}  // namespace

client::client(mgc& control, asio::ip::address bot_address, port_pool& ports, http::websocket& socket)
    : control_(control), bot_address_(std::move(bot_address)), ports_(ports), socket_(socket) {}

json::object client::gateway_json() const {
  json::object o;
  const auto gateway = control_.gateway();
  o["registered"] = gateway.has_value();
  if (gateway) {
    o["mid"] = h248::to_text(h248::mid(gateway->mid));
    o["profile"] = gateway->profile;
    o["version"] = gateway->version;
  }
  return o;
}

void client::tell_gateway() {
  json::object o = gateway_json();
  o["type"] = "gateway";
  send(std::move(o));
}

void client::tell_traced(const traced_message& m) {
  json::object o;
  o["type"] = "h248";
  o["time"] = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  o["direction"] = m.sent ? "sent" : "received";
  o["from"] = m.sent ? "eP-CSCF" : "eIMS-AGW";
  o["to"] = m.sent ? "eIMS-AGW" : "eP-CSCF";
  o["transaction"] = m.transaction;
  o["summary"] = m.summary;
  o["text"] = m.text;
  if (m.repeated) o["repeated"] = true;
  if (m.error) o["error"] = *m.error;
  send(std::move(o));
}

awaitable<void> client::run() {
  json::object welcome;
  welcome["type"] = "welcome";
  welcome["program"] = "agw-controller";
  welcome["version"] = std::string(version);
  welcome["gateway"] = gateway_json();
  send(std::move(welcome));
  auto body = [this](task_group& tasks) { return serve(tasks); };
  co_await with_tasks("client", body);
}

awaitable<void> client::serve(task_group& tasks) {
  for (;;) {
    auto text = co_await socket_.receive();
    if (!text) break;
    handle(tasks, *text);
  }
  call_message release;
  release.type = "release";
  for (const auto& [name, c] : calls_) c->post(release);
  while (!calls_.empty()) co_await calls_changed_.wait();
}

void client::refuse(const json::object* message, std::string_view code, std::string_view text) {
  json::object o;
  o["type"] = "error";
  if (message) {
    if (const auto* name = message->if_contains("call"); name && name->is_string()) o["call"] = *name;
    if (const auto* type = message->if_contains("type"); type && type->is_string()) o["of"] = *type;
  }
  o["code"] = code;
  o["text"] = text;
  send(std::move(o));
}

void client::handle(task_group& tasks, std::string_view text) {
  json::error_code ec;
  const auto parsed = json::parse(json::string_view(text.data(), text.size()), ec);
  if (ec || !parsed.is_object()) {
    refuse(nullptr, "bad-message", "not a JSON object");
    return;
  }
  const auto& message = parsed.as_object();
  try {
    const auto type = text_of(message, "type", true);
    if (type == "offer" || type == "call-me") {
      start_call(tasks, message, type == "offer");
      return;
    }
    if (type != "answer" && type != "modify" && type != "mode" && type != "release" && type != "audit") {
      refuse(&message, "bad-message", "unknown type");
      return;
    }
    const auto found = calls_.find(text_of(message, "call", true));
    if (found == calls_.end()) {
      refuse(&message, "unknown-call", "no such call");
      return;
    }
    call_message m;
    m.type = type;
    m.sdp = text_of(message, "sdp", type == "answer");
    m.channels = channels_of(message);
    if (type == "mode") {
      m.id = id_of(message);
      m.mode = text_of(message, "mode", true);
    }
    found->second->post(std::move(m));
  } catch (const bad_member& bad) {
    refuse(&message, "bad-message", "member " + bad.name + " is missing or wrong");
  }
}

void client::start_call(task_group& tasks, const json::object& message, bool offer) {
  auto name = text_of(message, "call");
  while (name.empty() || (name.starts_with("c") && message.if_contains("call") == nullptr && calls_.contains(name))) {
    name = "c" + std::to_string(next_name_++);
  }
  if (!valid_name(name)) throw bad_member{"call"};
  if (calls_.contains(name)) {
    refuse(&message, "call-exists", "there is such a call");
    return;
  }
  if (calls_.size() >= most_calls) {
    refuse(&message, "limit", "too many calls");
    return;
  }
  auto sdp = text_of(message, "sdp", offer);
  auto channels = channels_of(message);
  call_environment environment{control_, bot_address_, ports_, [this](json::object o) { send(std::move(o)); }};
  auto fresh = std::make_shared<call>(name, std::move(environment), options_of(message));
  calls_.emplace(name, fresh);
  tasks.spawn("call", [this, name, fresh, sdp = std::move(sdp), channels = std::move(channels)]() mutable -> awaitable<void> {
    struct forget {
      forget(client& c, std::string n) : self(c), which(std::move(n)) {}
      forget(const forget&) = delete;
      ~forget() {
        self.calls_.erase(which);
        self.calls_changed_.set();
      }
      client& self;
      std::string which;
    };
    forget at_end(*this, name);
    try {
      co_await fresh->run(std::move(sdp), std::move(channels));
    } catch (const stage_error& e) {
      log::warn("call {}: {}", name, e.what());
    }
  });
}

}  // namespace agw::controller
