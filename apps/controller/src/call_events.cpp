// What happens to a call, told to its WIC: steps, H.248 messages, and the gateway's events as stages.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <random>

#include "agw/h248/text.hpp"
#include "call.hpp"
#include "event_names.hpp"
#include "messages.hpp"

namespace agw::controller {

namespace {

double milliseconds(clock::duration d) { return std::round(std::chrono::duration<double, std::milli>(d).count() * 10) / 10; }

}  // namespace

// o= of an answer keeps its id, and the version grows (RFC 3264, 8).
std::string call::next_session() {
  if (session_version_ == 0) session_ = std::random_device()();
  return std::to_string(session_) + " " + std::to_string(++session_version_);
}

double call::since_begin() const { return milliseconds(clock::now() - begin_); }

void call::tell_step(int step, std::string_view from, std::string_view to, std::string_view summary, std::string text) {
  json::object o;
  o["type"] = "step";
  o["call"] = name_;
  o["time"] = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  o["at"] = since_begin();
  if (step != 0) o["step"] = step;
  o["from"] = from;
  o["to"] = to;
  o["summary"] = summary;
  o["text"] = std::move(text);
  env_.send(std::move(o));
}

void call::on_traced(const traced_message& m) {
  auto o = to_json(m);
  o["call"] = name_;
  o["at"] = since_begin();
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

// What the association has is told as released, and once more as established by the next one.
void call::expect_another_association() {
  const auto of_association = [](const std::string& stage) { return stage == "ice" || stage == "dtls" || stage == "sctp" || stage == "channel" || stage == "msrp"; };
  for (auto at = stages_.begin(); at != stages_.end();) {
    const auto& [stage, stream] = at->first;
    if (!of_association(stage)) {
      ++at;
      continue;
    }
    if (at->second.done && stage != "ice" && stage != "msrp") ending_.insert(at->first);
    at = stages_.erase(at);
  }
}

bool call::expects_end(const std::string& stage, unsigned stream, bool fails) {
  return !fails && ending_.erase(std::make_pair(stage, stream)) != 0;
}

void call::on_notify(const h248::command& notify) {
  const auto* all = notify.find<h248::observed_events_descriptor>();
  if (!all) return;
  for (const auto& e : all->events) observed(e);
}

namespace {

std::string parameter(const h248::observed_event& e, std::string_view name) {
  const auto* p = h248::find(e.parameters, name);
  return p ? std::string(p->values.first().text) : std::string();
}

// The page's word for the layer that an event is about; empty: none.
std::string stage_of(const h248::observed_event& e, unsigned stream) {
  if (e.name.is("ostuncc/ccr") || is_consent_failure(e.name)) return "ice";
  if (e.name.is("tlsbsc/BNCChange")) return stream == 1 ? "dtls" : "tls";
  if (e.name.is("sctpbcc/BNCChange")) return "sctp";
  if (is_channel_change(e.name)) return "channel";
  if (e.name.is("tcpbcc/BNCChange")) return "tcp";
  return {};
}

std::string type_of(const h248::observed_event& e) {
  if (e.name.is("ostuncc/ccr")) return parameter(e, "result");
  return is_consent_failure(e.name) ? "Fail" : parameter(e, "Type");
}

}  // namespace

// The gateway's events in the words of the page. A failure or a release of what the whole call needs ends the call.
void call::observed(const h248::observed_event& e) {
  const unsigned stream = e.stream ? e.stream->value : 1;
  const auto stage = stage_of(e, stream);
  if (stage.empty()) return;
  const auto type = type_of(e);
  auto* l = leg_of(stream);
  if (h248::iequals(type, "Est") || h248::iequals(type, "Open") || h248::iequals(type, "Ok")) {
    if (l && stage == "channel") {
      const auto sid = parameter(e, "sid");
      std::uint16_t id = 0;
      const auto [end, ec] = std::from_chars(sid.data(), sid.data() + sid.size(), id);
      if (!sid.empty() && ec == std::errc() && end == sid.data() + sid.size()) l->wic.id = id;
    }
    ending_.erase(std::make_pair(stage, stream));
    finished(stage, stream);
    if (stage == "ice") started("dtls", 1);
    if (stage == "dtls") started("sctp", 1);
    if (stage == "sctp") {
      for (const auto& other : legs_) started("channel", other->stream);
    }
    if (stage == "channel") started("msrp", stream);
    return;
  }
  if (expects_end(stage, stream, h248::iequals(type, "Fail"))) return;
  // A channel that has been taken out may still say good-bye: the WIC closes it at the same moment, and its core side hears of that.
  const bool of_channel = stage == "channel" || stage == "tcp" || stage == "tls";
  if (of_channel && (!l || l->ended)) return;
  auto cause = stage + ":closed";
  if (h248::iequals(type, "Fail")) {
    cause = parameter(e, "Cause");
    if (cause.empty()) cause = stage;
    const auto colon = cause.find(':');
    failed(colon == std::string::npos ? stage : cause.substr(0, colon), stream, colon == std::string::npos ? cause : cause.substr(colon + 1));
  }
  const auto live = std::ranges::count_if(legs_, [](const auto& other) { return !other->ended; });
  if (!of_channel || live < 2) return end(std::move(cause));
  l->ended = true;
  json::object closed;  // one of several channels: the call goes on
  closed["type"] = "closed";
  closed["call"] = name_;
  if (l->wic.id) closed["id"] = *l->wic.id;
  closed["cause"] = cause;
  env_.send(std::move(closed));
}

}  // namespace agw::controller
