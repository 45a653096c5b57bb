// The facade over prometheus-cpp: what agw counts, under which names, and the text that /metrics serves.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

namespace agw {

using counter = prometheus::Counter;
using gauge = prometheus::Gauge;
using histogram = prometheus::Histogram;
using metric_labels = std::map<std::string, std::string>;

/// One registry. Looking a metric up takes a lock: do it when a session starts and keep the reference, which lives as long as the
/// registry. Incrementing takes none. Safe from any thread.
class metrics {
 public:
  metrics();
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  agw::counter& counter(std::string_view name, std::string_view help, const metric_labels& labels = {});
  agw::gauge& gauge(std::string_view name, std::string_view help, const metric_labels& labels = {});
  /// `buckets` are the upper bounds; they count for the first use of a name.
  agw::histogram& histogram(std::string_view name, std::string_view help, const metric_labels& labels, const std::vector<double>& buckets);

  /// agw_stage_duration_seconds{stage}
  void stage_took(std::string_view stage, double seconds);
  /// agw_stage_failures_total{stage,reason}
  void stage_failed(std::string_view stage, std::string_view reason);
  /// agw_resources_short_total{resource}: a request was refused because of it; a string literal.
  void ran_short_of(std::string_view resource);

  /// What the three above will count is there with 0: an increase from nothing to one is not seen. `timed`: stage_took() is called for it.
  void declare_stage(std::string_view stage, std::initializer_list<std::string_view> reasons, bool timed = true);
  void declare_resource(std::string_view resource);

  /// `sample` sets gauges to what is counted elsewhere. Called before each expose(), on its thread; set up before the first one.
  void sample_with(std::function<void()> sample);
  /// The exposition text (version 0.0.4) of everything, with the counters of drop() included.
  std::string expose() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// One of what a gauge counts, for as long as it lives. `m` may be null.
class gauge_share {
 public:
  gauge_share(metrics* m, std::string_view name) : gauge_(m ? &m->gauge(name, {}) : nullptr) {
    if (gauge_) gauge_->Increment();
  }
  ~gauge_share() {
    if (gauge_) gauge_->Decrement();
  }
  gauge_share(const gauge_share&) = delete;
  gauge_share& operator=(const gauge_share&) = delete;

 private:
  agw::gauge* gauge_;
};

/// Counts a datagram or message that was dropped: agw_drops_total{layer,cause}. Both are string literals. Process-wide, lock-free
/// after a thread's first drop of that cause, so that a flood of garbage stays cheap.
void count_drop(std::string_view layer, std::string_view cause, std::uint64_t how_many = 1) noexcept;
/// It is exposed with 0 from now on.
void declare_drop(std::string_view layer, std::string_view cause);
/// What count_drop() has counted for it so far, for tests.
std::uint64_t drops(std::string_view layer, std::string_view cause);

}  // namespace agw
