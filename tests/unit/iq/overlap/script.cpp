#include "script.hpp"

#include <algorithm>

namespace agw::iq::overlap {

namespace {

const char* word(h248::stream_mode m) {
  switch (m) {
    case h248::stream_mode::send_only: return "SendOnly";
    case h248::stream_mode::receive_only: return "ReceiveOnly";
    case h248::stream_mode::send_receive: return "SendReceive";
    case h248::stream_mode::inactive: return "Inactive";
    case h248::stream_mode::loopback: break;
  }
  return "Loopback";
}

const char* word(h248::command_kind k) {
  switch (k) {
    case h248::command_kind::add: return "Add";
    case h248::command_kind::move: return "Move";
    case h248::command_kind::modify: return "Modify";
    case h248::command_kind::subtract: return "Subtract";
    case h248::command_kind::audit_value: return "AuditValue";
    case h248::command_kind::audit_capability: return "AuditCapability";
    case h248::command_kind::notify: return "Notify";
    case h248::command_kind::service_change: break;
  }
  return "ServiceChange";
}

std::string text_of(const control& c) {
  return std::string("LocalControl{") + (c.reserve_value ? "ReservedValue=ON," : "") + "Mode=" + word(c.mode) + "}";
}

std::string remote(std::uint16_t port, const char* setup) {
  return "Remote{v=0\r\nc=IN IP4 127.0.0.1\r\nm=message " + std::to_string(port) + " TCP/MSRP *\r\na=setup:" + setup + "\r\n}";
}

std::string media_of(const command& c) {
  static const std::string access_stream =
      "Local{v=0\r\nc=IN IP4 $\r\nm=application $ UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:passive\r\na=fingerprint:sha-256 $\r\n"
      "a=ice-ufrag:$\r\na=ice-pwd:$\r\na=candidate:$\r\na=sctp-port:$\r\na=max-message-size:262144\r\n}";
  static const std::string channel =
      "Local{v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=dcmap:0 subprotocol=\"msrp\";label=\"chat\"\r\n"
      "a=dcsa:0 setup:active\r\na=dcsa:0 path:msrps://127.0.0.1:9/si438;dc\r\n}";
  const auto in = [&](std::uint16_t stream) {
    control out = c.control && c.control->stream == stream ? *c.control : control();
    return text_of(out);
  };
  if (c.kind != h248::command_kind::add) {
    std::string streams;
    if (c.control) streams += "Stream=" + std::to_string(c.control->stream) + "{" + text_of(*c.control) + (c.port ? "," : "}");
    if (c.port) streams += (c.control ? "" : "Stream=2{") + remote(*c.port, "active") + "}";
    return streams.empty() ? "" : "Media{" + streams + "}";
  }
  if (c.media == media_kind::unsupported) return "Media{Stream=2{LocalControl{Mode=SendReceive},Local{v=0\r\nc=IN IP4 $\r\nm=audio $ RTP/AVP 0\r\n}}}";
  if (c.of == side::access) {
    return "Media{TerminationState{mgroup/sem=\"DEAGG 1 2\"},Stream=1{" + in(1) + "," + access_stream + "},Stream=2{" + in(2) + "," + channel + "}}";
  }
  const bool dials = c.media == media_kind::dialling;
  return "Media{Stream=2{" + in(2) + ",Local{v=0\r\nc=IN IP4 $\r\nm=message $ TCP/MSRP *\r\na=setup:" + (dials ? "active" : "passive") +
         "\r\na=path:$\r\n" + c.more_local + "}" + (c.port ? "," + remote(*c.port, dials ? "passive" : "active") : "") + "}}";
}

std::string text_of(const events& e) {
  if (e.id == 0) return "Events";
  std::string out;
  for (const auto& one : e.wanted) {
    std::string name = one.text, inside;
    if (const auto brace = name.find('{'); brace != std::string::npos) {
      inside = name.substr(brace + 1, name.size() - brace - 2);
      name = name.substr(0, brace);
    }
    if (one.keep_active) inside += (inside.empty() ? "" : ",") + std::string("KeepActive");
    if (one.embedded != 0) inside += (inside.empty() ? "" : ",") + ("Embed{Events=" + std::to_string(one.embedded) + "{g/cause{KeepActive}}}");
    out += (out.empty() ? "" : ",") + name + (inside.empty() ? "" : "{" + inside + "}");
  }
  return "Events=" + std::to_string(e.id) + "{" + out + "}";
}

std::string text_of(const signal& s) {
  std::string inside;
  switch (s.type) {
    case h248::signal_type::on_off: inside = "SignalType=OnOff"; break;
    case h248::signal_type::time_out: inside = "SignalType=TimeOut,Duration=" + std::to_string(s.duration); break;
    case h248::signal_type::brief: inside = "SignalType=Brief"; break;
  }
  return s.name + "{" + inside + ",NotifyCompletion={TimeOut}" + (s.keep_active ? ",KeepActive" : "") + "}";
}

std::string text_of(const signals& s) {
  std::string out;
  for (const auto& one : s.single) out += (out.empty() ? "" : ",") + text_of(one);
  for (const auto& list : s.lists) {
    std::string inside;
    for (const auto& one : list.signals) inside += (inside.empty() ? "" : ",") + text_of(one);
    out += (out.empty() ? "" : ",") + ("SignalList=" + std::to_string(list.id) + "{" + inside + "}");
  }
  return out.empty() ? "Signals" : "Signals{" + out + "}";
}

std::string text_of(audit_kind a) {
  switch (a) {
    case audit_kind::nothing: return "Audit{}";
    case audit_kind::all: return "Audit{Media,Events,Signals,Statistics,ObservedEvents}";
    case audit_kind::modes: return "Audit{Media{TerminationState{ServiceStates},Stream=2{LocalControl{Mode,ReservedValue}}}}";
    case audit_kind::statistics: break;
  }
  return "Audit{Statistics}";
}

std::string services_of(h248::change_method m) {
  switch (m) {
    case h248::change_method::forced: return "Services{Method=Forced,Reason=\"905 Termination taken out of service\"}";
    case h248::change_method::graceful: return "Services{Method=Graceful,Reason=\"905 Termination taken out of service\"}";
    default: return "Services{Method=Restart,Reason=\"900 Service Restored\"}";
  }
}

std::string text_of(const command& c) {
  std::vector<std::string> parts;
  if (c.kind == h248::command_kind::service_change) {
    parts.push_back(services_of(c.method));
  } else {
    const bool configures = c.kind == h248::command_kind::add || c.kind == h248::command_kind::modify || c.kind == h248::command_kind::move;
    if (configures) {
      if (auto media = media_of(c); !media.empty()) parts.push_back(std::move(media));
    }
    if (c.events) parts.push_back(text_of(*c.events));
    if (c.signals) parts.push_back(text_of(*c.signals));
    if (c.audit) parts.push_back(text_of(*c.audit));
  }
  std::string inside;
  for (const auto& part : parts) inside += (inside.empty() ? "" : ",") + part;
  return std::string(c.optional ? "O-" : "") + (c.wildcard_response ? "W-" : "") + word(c.kind) + "=" + c.termination +
         (inside.empty() ? "" : "{" + inside + "}");
}

std::string text_of(const topology_rule& r) {
  const char* how = r.direction == h248::topology_direction::bothway ? "Bothway" : r.direction == h248::topology_direction::isolate ? "Isolate" : "Oneway";
  return r.a + "," + r.b + "," + how + (r.stream == 0 ? "" : ",Stream=" + std::to_string(r.stream));
}

std::string text_of(h248::context_id id) {
  if (id.is_null()) return "-";
  if (id.is_choose()) return "$";
  if (id.is_all()) return "*";
  return std::to_string(id.value);
}

}  // namespace

bool action::spreads() const {
  if (std::ranges::any_of(commands, &command::loops_back)) return false;
  if (context.is_all()) return true;
  if (commands.empty()) return false;
  if (context.is_null()) return commands.front().kind == h248::command_kind::service_change;
  return std::ranges::any_of(commands, [](const command& c) { return c.kind == h248::command_kind::move && c.has_pattern(); });
}

std::string to_text(const transaction& t) {
  std::string out;
  for (const auto& a : t) {
    std::vector<std::string> parts;
    if (a.priority) parts.push_back("Priority=" + std::to_string(*a.priority));
    if (!a.topology.empty()) {
      std::string inside;
      for (const auto& rule : a.topology) inside += (inside.empty() ? "" : ",") + text_of(rule);
      parts.push_back("Topology{" + inside + "}");
    }
    if (a.audit) parts.push_back("ContextAudit{Priority,Topology}");
    for (const auto& c : a.commands) parts.push_back(text_of(c));
    std::string inside;
    for (const auto& part : parts) inside += (inside.empty() ? "" : ",") + part;
    out += (out.empty() ? "" : ",") + ("Context=" + text_of(a.context) + "{" + inside + "}");
  }
  return out;
}

}  // namespace agw::iq::overlap
