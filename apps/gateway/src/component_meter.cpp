#include "component_meter.hpp"

#include "agw/core/metrics.hpp"

namespace agw::gateway {

namespace {

component_counters sum(component_counters a, const component_counters& b) {
  a.octets_to_wic += b.octets_to_wic;
  a.octets_from_wic += b.octets_from_wic;
  a.messages_to_wic += b.messages_to_wic;
  a.messages_from_wic += b.messages_from_wic;
  a.chunks_forwarded += b.chunks_forwarded;
  a.chunks_rejected += b.chunks_rejected;
  return a;
}

}  // namespace

component_counters component_meter::counted() const { return read_ ? sum(before_, read_()) : before_; }

void component_meter::settle() {
  before_ = counted();
  read_ = nullptr;
}

bool component_meter::publish(agw::metrics* to) {
  if (!to) return false;
  const auto now = counted();
  static constexpr const char* bytes = "Octets of user data relayed, by direction.";
  static constexpr const char* messages = "Data channel messages relayed, by direction.";
  bool moved = false;
  const auto add = [&](const char* name, const char* help, const char* direction, std::uint64_t value, std::uint64_t before) {
    if (value <= before) return;
    moved = true;
    metric_labels labels;
    labels.emplace("direction", direction);
    to->counter(name, help, labels).Increment(static_cast<double>(value - before));
  };
  add("agw_relayed_bytes_total", bytes, "to_wic", now.octets_to_wic, published_.octets_to_wic);
  add("agw_relayed_bytes_total", bytes, "to_core", now.octets_from_wic, published_.octets_from_wic);
  add("agw_relayed_messages_total", messages, "to_wic", now.messages_to_wic, published_.messages_to_wic);
  add("agw_relayed_messages_total", messages, "to_core", now.messages_from_wic, published_.messages_from_wic);
  published_ = now;
  return moved;
}

}  // namespace agw::gateway
