#include "messages.hpp"

#include <algorithm>
#include <chrono>

namespace agw::controller {

namespace {

constexpr std::size_t most_channels = 32;
constexpr std::size_t most_accept_types = 32;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) { return std::ranges::find(words, text) != words.end(); }

// Values that go into SDP lines may not bring line ends along.
std::string line_of(const json::object& o, std::string_view name) {
  auto text = text_of(o, name);
  const auto breaks = [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; };
  if (text.size() > 4096 || std::ranges::any_of(text, breaks)) throw bad_member{std::string(name)};
  return text;
}

std::string word_of(const json::object& o, std::string_view name, std::initializer_list<std::string_view> words, std::string otherwise) {
  auto text = text_of(o, name);
  if (text.empty()) return otherwise;
  if (!is_one_of(text, words)) throw bad_member{std::string(name)};
  return text;
}

const json::object* object_of(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  if (!v || v->is_null()) return nullptr;
  if (!v->is_object()) throw bad_member{std::string(name)};
  return &v->as_object();
}

std::optional<std::uint64_t> number_of(const json::object& o, std::string_view name, std::int64_t low, std::int64_t high) {
  const auto* v = o.if_contains(name);
  if (!v || v->is_null()) return std::nullopt;
  if (!v->is_int64() || v->as_int64() < low || v->as_int64() > high) throw bad_member{std::string(name)};
  return static_cast<std::uint64_t>(v->as_int64());
}

// media-type / subtype, "*", or "type/*" (RFC 4975, 9: accept-types).
bool is_type(std::string_view text) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("!#$&^_.+-*/").find(c) != std::string_view::npos; };
  return !text.empty() && text.size() <= 127 && std::ranges::all_of(text, plain);
}

std::vector<std::string> accept_types_of(const json::object& o) {
  std::vector<std::string> out;
  const auto* v = o.if_contains("acceptTypes");
  if (v && !v->is_null()) {
    if (!v->is_array() || v->as_array().size() > most_accept_types) throw bad_member{"acceptTypes"};
    for (const auto& one : v->as_array()) {
      if (!one.is_string() || !is_type(one.as_string())) throw bad_member{"acceptTypes"};
      out.emplace_back(one.as_string());
    }
  }
  if (out.empty()) out.emplace_back("*");
  return out;
}

channel channel_of(const json::object& o) {
  channel c;
  c.id = id_of(o);
  c.label = line_of(o, "label");
  if (auto protocol = line_of(o, "subprotocol"); !protocol.empty()) c.subprotocol = std::move(protocol);
  c.dcep = flag_of(o, "dcep");
  c.path = line_of(o, "path");
  c.setup = word_of(o, "setup", {"active", "passive", "actpass"}, {});
  c.accept_types = accept_types_of(o);
  c.max_size = number_of(o, "maxSize", 0, INT64_MAX);
  return c;
}

call_options::external_peer peer_of(const json::object& o) {
  call_options::external_peer out;
  boost::system::error_code ec;
  out.address = asio::ip::make_address(text_of(o, "address", true), ec);
  if (ec) throw bad_member{"options.peer.address"};
  out.path = line_of(o, "path");
  const auto port = number_of(o, "port", 1, 65535);
  if (!port) throw bad_member{"options.peer.port"};
  out.port = static_cast<std::uint16_t>(*port);
  out.fingerprint = line_of(o, "fingerprint");
  return out;
}

double seconds_now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

std::string text_of(const json::object& o, std::string_view name, bool needed) {
  const auto* v = o.if_contains(name);
  if (!v || v->is_null()) {
    if (needed) throw bad_member{std::string(name)};
    return {};
  }
  if (!v->is_string()) throw bad_member{std::string(name)};
  return std::string(v->as_string());
}

bool flag_of(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  if (!v || v->is_null()) return false;
  if (!v->is_bool()) throw bad_member{std::string(name)};
  return v->as_bool();
}

std::optional<std::uint16_t> id_of(const json::object& o) {
  const auto id = number_of(o, "id", 0, 65534);
  return id ? std::optional(static_cast<std::uint16_t>(*id)) : std::nullopt;
}

std::string name_of(const json::object& o, std::string_view member, bool needed) {
  auto name = text_of(o, member, needed);
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-'; };
  if (o.if_contains(member) && (name.empty() || name.size() > 64 || !std::ranges::all_of(name, plain))) throw bad_member{std::string(member)};
  return name;
}

std::string mode_of(const json::object& o, bool needed) {
  const auto mode = text_of(o, "mode", needed);
  if (mode.empty() && !needed) return "sendrecv";
  if (!is_one_of(mode, {"sendrecv", "inactive", "sendonly", "recvonly"})) throw bad_member{"mode"};
  return mode;
}

std::vector<channel> channels_of(const json::object& message) {
  std::vector<channel> out;
  const auto* all = message.if_contains("channels");
  if (!all || all->is_null()) return out;
  if (!all->is_array() || all->as_array().size() > most_channels) throw bad_member{"channels"};
  for (const auto& entry : all->as_array()) {
    if (!entry.is_object()) throw bad_member{"channels"};
    out.push_back(channel_of(entry.as_object()));
  }
  return out;
}

call_options options_of(const json::object& message) {
  call_options out;
  const auto* o = object_of(message, "options");
  if (!o) return out;
  out.aware = word_of(*o, "interworking", {"agnostic", "aware"}, "agnostic") == "aware";
  out.tls = flag_of(*o, "tls");
  out.core_setup = word_of(*o, "coreSetup", {"active", "passive", "actpass"}, "actpass");
  out.mode = mode_of(*o, false);
  if (const auto port = number_of(*o, "sctpPort", 1, 65535)) out.sctp_port = static_cast<std::uint16_t>(*port);
  if (const auto* peer = object_of(*o, "peer")) out.peer = peer_of(*peer);
  return out;
}

call_message call_message_of(const json::object& message) {
  call_message m;
  m.type = text_of(message, "type", true);
  if (m.type == "answer") m.sdp = text_of(message, "sdp", true);
  if (m.type == "modify") m.sdp = text_of(message, "sdp");
  const bool lists = message.if_contains("channels");
  if (m.type == "modify" && lists == !m.sdp.empty()) throw bad_member{"channels"};  // one of the two
  if (m.type == "answer" || (m.type == "modify" && lists)) m.channels = channels_of(message);
  if (m.type == "mode") {
    m.id = id_of(message);
    if (!m.id) throw bad_member{"id"};
    m.mode = mode_of(message, true);
  }
  return m;
}

json::object to_json(const traced_message& m) {
  json::object o;
  o["type"] = "h248";
  o["time"] = seconds_now();
  o["direction"] = m.sent ? "sent" : "received";
  o["from"] = m.sent ? "eP-CSCF" : "eIMS-AGW";
  o["to"] = m.sent ? "eIMS-AGW" : "eP-CSCF";
  if (!m.gateway.empty()) o["gateway"] = m.gateway;
  o["kind"] = m.kind;
  o["transaction"] = m.transaction;
  if (m.step != 0) o["step"] = m.step;
  o["summary"] = m.summary;
  o["text"] = m.text;
  if (m.repeated) o["repeated"] = true;
  if (m.error) o["error"] = *m.error;
  return o;
}

json::object to_json(const gateway_pool& gateways) {
  json::object o;
  const auto next = gateways.choose();
  o["registered"] = next != nullptr;
  if (next) {
    o["mid"] = next->name;
    o["profile"] = next->registered.profile;
    o["version"] = next->registered.version;
  }
  json::array all;
  for (const auto& [name, life] : gateways.all()) {
    json::object one;
    one["mid"] = name;
    one["profile"] = life->registered.profile;
    one["version"] = life->registered.version;
    one["weight"] = life->settings.weight;
    one["draining"] = life->registered.draining;
    one["silent"] = life->registered.silent;
    all.push_back(std::move(one));
  }
  o["gateways"] = std::move(all);
  return o;
}

}  // namespace agw::controller
