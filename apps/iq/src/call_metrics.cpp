#include "call_metrics.hpp"

#include "agw/gateway/stages.hpp"
#include "agw/iq/media_gateway.hpp"

namespace agw::iq {

counter& calls_started(metrics& m) { return m.counter("agw_calls_started_total", "Calls (contexts) that began."); }

counter& calls_ended(metrics& m, std::string_view cause) {
  metric_labels labels;
  labels.emplace("cause", cause);
  return m.counter("agw_calls_ended_total", "Calls (contexts) that ended, by who or what ended them.", labels);
}

gauge& one_way_calls(metrics& m) { return m.gauge("agw_one_way_calls", "Calls that have carried data in one direction only for 30 seconds."); }

gauge& orphaned_contexts(metrics& m) {
  return m.gauge("agw_contexts_orphaned", "Contexts that no command or audit has concerned for the time of orphaned_after, or an hour without it.");
}
counter& orphans_ended(metrics& m) { return m.counter("agw_contexts_orphans_ended_total", "Contexts that were ended because nobody owned them."); }

void declare_metrics(metrics& m, const gateway::subprotocol_registry& stages) {
  calls_started(m);
  one_way_calls(m);
  orphaned_contexts(m);
  orphans_ended(m);
  for (const auto* who : {"wic", "core", "controller", "gateway"}) calls_ended(m, who);
  gateway::declare_metrics(m, stages);
  gateway::each_failure(stages, [&m](std::string_view stage, std::string_view reason) {
    calls_ended(m, std::string(stage).append(":").append(reason));
  });
  for (const auto* resource : {"contexts", "overload", "threads", "other"}) m.declare_resource(resource);
}

}  // namespace agw::iq
