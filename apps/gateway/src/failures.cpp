// What can fail, and how: the words of every layer, so that each is counted from 0.
#include <initializer_list>

#include "agw/gateway/stages.hpp"

namespace agw::gateway {

namespace {

struct layer_words {
  std::string_view stage;
  std::initializer_list<std::string_view> reasons;
};

// "closed" is an orderly end, and no failure.
const layer_words layers[] = {
    {"ice", {"timeout", "failed", "consent", "error"}},
    {"dtls", {"timeout", "fingerprint", "certificate", "alert", "protocol", "error"}},
    {"sctp", {"timeout", "abort", "restart", "stalled", "memory", "error"}},
    {"channel", {"timeout", "busy", "streams", "reset", "blocked", "too-large", "error"}},
    {"tcp", {"timeout", "refused", "reset", "unreachable", "port", "error"}},
    {"tls", {"timeout", "certificate", "alert", "protocol", "truncated", "error"}},
};
const std::initializer_list<std::string_view> of_subprotocols = {"syntax", "too-large", "timeout", "path", "error"};

}  // namespace

void each_failure(const subprotocol_registry& registry, const std::function<void(std::string_view, std::string_view)>& f) {
  for (const auto& l : layers) {
    for (const auto reason : l.reasons) f(l.stage, reason);
  }
  for (const auto& entry : registry.all()) {
    for (const auto reason : of_subprotocols) f(entry.first, reason);
  }
}

void declare_metrics(metrics& m, const subprotocol_registry& registry) {
  for (const auto& l : layers) m.declare_stage(l.stage, l.reasons);
  for (const auto& entry : registry.all()) m.declare_stage(entry.first, of_subprotocols, false);
  for (const auto* resource : {"ports", "descriptors", "memory", "streams", "other"}) m.declare_resource(resource);
  for (const auto* direction : {"to_wic", "to_core"}) {
    metric_labels labels;
    labels.emplace("direction", direction);
    m.counter("agw_relayed_bytes_total", "Octets of user data relayed, by direction.", labels);
    m.counter("agw_relayed_messages_total", "Data channel messages relayed, by direction.", labels);
  }
  m.gauge("agw_contexts", "Contexts that exist.");
  m.gauge("agw_terminations", "Terminations that exist.");
}

}  // namespace agw::gateway
