// What happens to a call, told to its WIC: steps, H.248 messages, and the gateway's events as stages.
#include <cmath>

#include "agw/h248/text.hpp"
#include "call.hpp"

namespace agw::controller {

namespace {

double milliseconds(clock::duration d) { return std::round(std::chrono::duration<double, std::milli>(d).count() * 10) / 10; }

}  // namespace

call::leg* call::leg_of(unsigned stream) {
  for (const auto& l : legs_) {
    if (l->stream == stream) return l.get();
  }
  return nullptr;
}

double call::since_begin() const { return milliseconds(clock::now() - begin_); }

void call::tell_step(int step, std::string_view from, std::string_view to, std::string_view summary, std::string text) {
  json::object o;
  o["type"] = "step";
  o["call"] = name_;
  o["time"] = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  o["at"] = since_begin();
  o["step"] = step;
  o["from"] = from;
  o["to"] = to;
  o["summary"] = summary;
  o["text"] = std::move(text);
  env_.send(std::move(o));
}

void call::on_traced(const traced_message& m) {
  json::object o;
  o["type"] = "h248";
  o["call"] = name_;
  o["time"] = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  o["at"] = since_begin();
  o["direction"] = m.sent ? "sent" : "received";
  o["from"] = m.sent ? "eP-CSCF" : "eIMS-AGW";
  o["to"] = m.sent ? "eIMS-AGW" : "eP-CSCF";
  o["transaction"] = m.transaction;
  if (m.step != 0) o["step"] = m.step;
  o["summary"] = m.summary;
  o["text"] = m.text;
  if (m.repeated) o["repeated"] = true;
  if (m.error) o["error"] = *m.error;
  env_.send(std::move(o));
}

void call::tell_stage(const std::string& stage, unsigned stream, std::string_view state, std::optional<double> ms, std::string reason) {
  json::object o;
  o["type"] = "stage";
  o["call"] = name_;
  o["stream"] = stream;
  if (const auto* l = leg_of(stream); l && l->wic.id) o["id"] = *l->wic.id;
  o["stage"] = stage;
  o["state"] = state;
  o["at"] = since_begin();
  if (ms) o["ms"] = *ms;
  if (!reason.empty()) o["reason"] = std::move(reason);
  env_.send(std::move(o));
}

void call::started(const std::string& stage, unsigned stream) {
  auto& s = stages_[std::make_pair(stage, stream)];
  if (s.started) return;
  s.started = true;
  s.begin = clock::now();
  tell_stage(stage, stream, "started", std::nullopt, {});
}

void call::finished(const std::string& stage, unsigned stream) {
  started(stage, stream);
  auto& s = stages_[std::make_pair(stage, stream)];
  if (std::exchange(s.done, true)) return;
  tell_stage(stage, stream, "done", milliseconds(clock::now() - s.begin), {});
}

void call::failed(const std::string& stage, unsigned stream, std::string reason) {
  tell_stage(stage, stream, "failed", std::nullopt, std::move(reason));
}

// The gateway's events in the words of the page. A failure or a release of what the whole call needs ends the call.
void call::on_notify(const h248::command& notify) {
  const auto* observed = notify.find<h248::observed_events_descriptor>();
  if (!observed) return;
  for (const auto& e : observed->events) {
    const unsigned stream = e.stream ? e.stream->value : 1;
    const auto word = [&](std::string_view name) -> std::string {
      const auto* p = h248::find(e.parameters, name);
      return p ? std::string(p->values.first().text) : std::string();
    };
    std::string stage;
    if (e.name.is("ostuncc/ccr") || e.name.is("stnconfres/fail")) stage = "ice";
    if (e.name.is("tlsbsc/BNCChange")) stage = stream == 1 ? "dtls" : "tls";
    if (e.name.is("sctpbcc/BNCChange")) stage = "sctp";
    if (e.name.is("dcep/chg")) stage = "channel";
    if (e.name.is("tcpbcc/BNCChange")) stage = "tcp";
    if (stage.empty()) continue;
    const std::string type = e.name.is("ostuncc/ccr") ? word("result") : e.name.is("stnconfres/fail") ? "Fail" : word("Type");
    if (h248::iequals(type, "Est") || h248::iequals(type, "Open") || h248::iequals(type, "Ok")) {
      if (auto* l = leg_of(stream); l && stage == "channel") {
        l->open = true;
        if (const auto sid = word("sid"); !sid.empty()) l->wic.id = static_cast<std::uint16_t>(std::stoul(sid));
      }
      finished(stage, stream);
      if (stage == "ice") started("dtls", 1);
      if (stage == "dtls") started("sctp", 1);
      if (stage == "sctp") {
        for (const auto& l : legs_) started("channel", l->stream);
      }
      if (stage == "channel") started("msrp", stream);
      continue;
    }
    // A channel that has been taken out may still say good-bye: the WIC closes it at the same moment, and its core side hears of that.
    if ((stage == "channel" || stage == "tcp" || stage == "tls") && !leg_of(stream)) continue;
    if (h248::iequals(type, "Fail")) {
      const std::string cause = word("Cause");
      const auto colon = cause.find(':');
      const std::string failing = colon == std::string::npos ? stage : cause.substr(0, colon);
      failed(failing, stream, colon == std::string::npos ? cause : cause.substr(colon + 1));
      end_cause_ = cause.empty() ? stage : cause;
    } else if (stage == "channel" && leg_of(stream) && legs_.size() > 1) {
      json::object closed;  // one of several channels: the call goes on
      closed["type"] = "closed";
      closed["call"] = name_;
      if (leg_of(stream)->wic.id) closed["id"] = *leg_of(stream)->wic.id;
      closed["cause"] = "channel:closed";
      env_.send(std::move(closed));
      continue;
    } else {
      end_cause_ = stage + ":closed";
    }
    inbox_changed_.set();
  }
}

}  // namespace agw::controller
