#include "agw/core/metrics.hpp"

#include <cmath>
#include <mutex>
#include <unordered_map>

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace agw {

namespace {

// Drops are counted process-wide: the code that drops sits deep in the layers, below any session.
struct drop_table {
  using key = std::pair<std::string, std::string>;
  std::mutex mutex;
  std::map<key, std::atomic<std::uint64_t>> counts;
  static drop_table& get() {
    static drop_table table;
    return table;
  }
  std::atomic<std::uint64_t>& of(std::string_view layer, std::string_view cause) {
    const std::lock_guard lock(mutex);
    return counts[key(layer, cause)];
  }
};

struct literal_pair {
  const char* layer;
  const char* cause;
  bool operator==(const literal_pair&) const = default;
};
struct literal_hash {
  std::size_t operator()(const literal_pair& p) const noexcept {
    return std::hash<const void*>()(p.layer) * 31 + std::hash<const void*>()(p.cause);
  }
};

}  // namespace

void count_drop(std::string_view layer, std::string_view cause, std::uint64_t how_many) noexcept {
  thread_local std::unordered_map<literal_pair, std::atomic<std::uint64_t>*, literal_hash> known;
  const literal_pair key{layer.data(), cause.data()};
  auto found = known.find(key);
  if (found == known.end()) found = known.emplace(key, &drop_table::get().of(layer, cause)).first;
  found->second->fetch_add(how_many, std::memory_order_relaxed);
}

void declare_drop(std::string_view layer, std::string_view cause) { drop_table::get().of(layer, cause); }

std::uint64_t drops(std::string_view layer, std::string_view cause) { return drop_table::get().of(layer, cause).load(); }

struct metrics::impl {
  prometheus::Registry registry;
  std::mutex mutex;
  std::map<std::string, prometheus::Family<prometheus::Counter>*, std::less<>> counters;
  std::map<std::string, prometheus::Family<prometheus::Gauge>*, std::less<>> gauges;
  struct histogram_family {
    prometheus::Family<prometheus::Histogram>* family;
    std::vector<double> buckets;
  };
  std::map<std::string, histogram_family, std::less<>> histograms;
  std::vector<std::function<void()>> samples;
};

metrics::metrics() : impl_(std::make_unique<impl>()) {}
metrics::~metrics() = default;

counter& metrics::counter(std::string_view name, std::string_view help, const metric_labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  auto& family = impl_->counters[std::string(name)];
  if (!family) family = &prometheus::BuildCounter().Name(std::string(name)).Help(std::string(help)).Register(impl_->registry);
  return family->Add(labels);
}

gauge& metrics::gauge(std::string_view name, std::string_view help, const metric_labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  auto& family = impl_->gauges[std::string(name)];
  if (!family) family = &prometheus::BuildGauge().Name(std::string(name)).Help(std::string(help)).Register(impl_->registry);
  return family->Add(labels);
}

histogram& metrics::histogram(std::string_view name, std::string_view help, const metric_labels& labels,
                              const std::vector<double>& buckets) {
  const std::lock_guard lock(impl_->mutex);
  auto& entry = impl_->histograms[std::string(name)];
  if (!entry.family) {
    entry.family = &prometheus::BuildHistogram().Name(std::string(name)).Help(std::string(help)).Register(impl_->registry);
    entry.buckets = buckets;
  }
  return entry.family->Add(labels, entry.buckets);
}

namespace {

histogram& stage_duration(metrics& m, std::string_view stage) {
  static const std::vector<double> buckets{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30};
  metric_labels labels;
  labels.emplace("stage", stage);
  return m.histogram("agw_stage_duration_seconds", "Time that a stage took until its layer was up, in seconds.", labels, buckets);
}

counter& stage_failures(metrics& m, std::string_view stage, std::string_view reason) {
  metric_labels labels;
  labels.emplace("stage", stage);
  labels.emplace("reason", reason);
  return m.counter("agw_stage_failures_total", "Stages that failed, by reason.", labels);
}

counter& resource_shortages(metrics& m, std::string_view resource) {
  metric_labels labels;
  labels.emplace("resource", resource);
  return m.counter("agw_resources_short_total", "Requests that a lack of resources refused, by what was short.", labels);
}

}  // namespace

void metrics::stage_took(std::string_view stage, double seconds) { stage_duration(*this, stage).Observe(seconds); }
void metrics::stage_failed(std::string_view stage, std::string_view reason) { stage_failures(*this, stage, reason).Increment(); }
void metrics::ran_short_of(std::string_view resource) { resource_shortages(*this, resource).Increment(); }

void metrics::declare_stage(std::string_view stage, std::initializer_list<std::string_view> reasons, bool timed) {
  if (timed) stage_duration(*this, stage);
  for (const auto reason : reasons) stage_failures(*this, stage, reason);
}

void metrics::declare_resource(std::string_view resource) { resource_shortages(*this, resource); }

void metrics::sample_with(std::function<void()> sample) { impl_->samples.push_back(std::move(sample)); }

std::string metrics::expose() const {
  for (const auto& sample : impl_->samples) sample();
  auto families = impl_->registry.Collect();
  // A gauge that is NaN stands for what is no more: its series cannot be taken back while others may hold a reference to it.
  for (auto& f : families) {
    if (f.type != prometheus::MetricType::Gauge) continue;
    std::erase_if(f.metric, [](const prometheus::ClientMetric& m) { return std::isnan(m.gauge.value); });
  }
  std::erase_if(families, [](const prometheus::MetricFamily& f) { return f.metric.empty(); });
  prometheus::MetricFamily dropped;
  dropped.name = "agw_drops_total";
  dropped.help = "Datagrams and messages dropped, by layer and cause.";
  dropped.type = prometheus::MetricType::Counter;
  {
    auto& table = drop_table::get();
    const std::lock_guard lock(table.mutex);
    for (const auto& [key, count] : table.counts) {
      prometheus::ClientMetric one;
      one.label = {prometheus::ClientMetric::Label{"layer", key.first}, prometheus::ClientMetric::Label{"cause", key.second}};
      one.counter.value = static_cast<double>(count.load());
      dropped.metric.push_back(std::move(one));
    }
  }
  if (!dropped.metric.empty()) families.push_back(std::move(dropped));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace agw
