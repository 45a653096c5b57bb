// sweep: the same scenario at one rate after the other, over the same standing calls.
#include <algorithm>

#include "agw/core/until.hpp"
#include "knee_search.hpp"
#include "load_run.hpp"

namespace agw::load {

namespace {

sweep_step judge(double rate, const outcome& o) {
  sweep_step out;
  out.rate = rate;
  const bool calls = o.options.scenario == scenario::setup;
  const auto& m = o.measured;
  const auto span = std::max(1e-3, calls ? o.measured_seconds + o.drained_seconds : o.measured_seconds);
  const auto done = calls ? m.calls_up : o.window.up.messages_received + o.window.down.messages_received;
  out.achieved = static_cast<double>(done) / span;
  histogram h = o.latencies.setup;
  if (!calls) {
    h = o.latencies.up;
    h.add(o.latencies.down);
  }
  out.p50_ms = static_cast<double>(h.quantile(0.5).count()) / 1e6;
  out.p99_ms = static_cast<double>(h.quantile(0.99).count()) / 1e6;
  if (o.gateway.begin && o.gateway.end) {
    out.gateway_cpu = (o.gateway.end->cpu_seconds - o.gateway.begin->cpu_seconds) / std::max(1e-3, o.measured_seconds + o.drained_seconds);
  }
  out.lost = m.messages_lost() + m.unsent;
  out.failed = m.calls_failed;
  out.good = h.count() != 0 && out.p99_ms < o.options.p99_ms && out.lost == 0 && out.failed == 0;
  return out;
}

}  // namespace

awaitable<void> load_run::find_knee() {
  knee_search search(options_.rate, options_.precision);
  while (const auto rate = search.next()) {
    if (!out_.interrupted.empty()) break;
    step s;
    s.start = clock::now() + std::chrono::milliseconds(200);
    s.end = s.start + options_.duration;
    s.rate = *rate;
    co_await play_step(s);
    if (!out_.interrupted.empty()) break;
    out_.steps.push_back(judge(*rate, out_));
    search.judge(out_.steps.back().good);
  }
  out_.knee = search.knee();
}

}  // namespace agw::load
