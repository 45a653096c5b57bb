// The call that a context is, for those who operate the gateway: a line where it begins, a line and a count where it ends.
#include <cstdio>

#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "call_metrics.hpp"
#include "context_owner.hpp"

namespace agw::iq {

namespace {

constexpr auto look_at_directions_each = std::chrono::seconds(10);

std::string seconds_text(clock::duration d) {
  char out[32];
  std::snprintf(out, sizeof out, "%.3f", std::chrono::duration<double>(d).count());
  return out;
}

std::string or_none(const std::string& text) { return text.empty() ? "-" : text; }

}  // namespace

void context_owner::begin_call(const std::string& controller) {
  if (!record_.call.begin(clock::now(), controller)) return;
  if (auto* const m = facts().services.stages.metrics) calls_started(*m).Increment();
  std::string names;
  for (const auto& [key, t] : record_.terminations) names.append(names.empty() ? "" : ",").append(t->name);
  log::record(log::level::info, "call began",
              {{"call", gateway::call_name(facts().services, gateway::context_id{record_.id.value})},
               {"context", std::to_string(record_.id.value)},
               {"terminations", log::printable(names)},
               {"controller", controller}});
}

void context_owner::end_call(std::string_view by) {
  auto& call = record_.call;
  if (!call.began()) return;
  for (const auto& [key, t] : record_.terminations) call.count(*t, gate_->statistics(t->id));
  if (call.one_way()) count_one_way(false);
  call.forget_one_way();
  const auto cause = call.cause().empty() ? by : call.cause();
  if (auto* const m = facts().services.stages.metrics) calls_ended(*m, cause).Increment();
  const auto& octets = call.octets();
  log::record(log::level::info, "call ended",
              {{"call", gateway::call_name(facts().services, gateway::context_id{record_.id.value})},
               {"context", std::to_string(record_.id.value)},
               {"cause", std::string(cause)},
               {"seconds", seconds_text(call.duration(clock::now()))},
               {"octets_to_core", std::to_string(octets.forward())},
               {"octets_to_wic", std::to_string(octets.backward())},
               {"wic", or_none(call.wic())},
               {"core", or_none(call.core())},
               {"terminations", log::printable(call.terminations())},
               {"controller", call.controller()}});
  call = call_account();
}

// A core that accepts and is mute, or a WIC that never answers, is no failure of any layer.
void context_owner::watch_directions(clock::time_point now) {
  auto& call = record_.call;
  if (!call.began() || now < directions_due_) return;
  directions_due_ = now + look_at_directions_each;
  auto octets = call.octets();
  std::string wic, core;
  for (const auto& [key, t] : record_.terminations) add_octets(octets, wic, core, *t, gate_->statistics(t->id));
  if (!call.carried(octets, now)) return;
  count_one_way(call.one_way());
  const auto name = gateway::call_name(facts().services, gateway::context_id{record_.id.value});
  if (!call.one_way()) return log::info("{}: data comes from both sides now", name);
  log::warn("{}: data comes from {} only, for {} s; the WIC is {}, the core is {}", name, octets.forward() > 0 ? "the WIC" : "the core",
            std::chrono::seconds(call_account::one_way_after).count(), or_none(wic), or_none(core));
}

void context_owner::count_one_way(bool is) {
  auto* const m = facts().services.stages.metrics;
  if (!m) return;
  if (is) one_way_calls(*m).Increment();
  else one_way_calls(*m).Decrement();
}

}  // namespace agw::iq
