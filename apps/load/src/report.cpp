#include "report.hpp"

#include <cmath>
#include <cstdio>

#include "agw/version.hpp"

namespace agw::load {

namespace json = boost::json;

namespace {

double ms(clock::duration d) { return static_cast<double>(d.count()) / 1e6; }
double seconds_of(clock::duration d) { return static_cast<double>(d.count()) / 1e9; }

template <class... A>
std::string format(const char* how, A... a) {
  char text[512];
  const auto size = std::snprintf(text, sizeof(text), how, a...);
  return std::string(text, static_cast<std::size_t>(std::min<int>(std::max(size, 0), sizeof(text) - 1)));
}

double per(double value, double by) { return by > 0 ? value / by : 0; }

std::optional<double> cpu_between(const std::optional<process_sample>& a, const std::optional<process_sample>& b) {
  return a && b ? std::optional(b->cpu_seconds - a->cpu_seconds) : std::nullopt;
}

json::object json_of(const histogram& h) {
  json::object out;
  out["count"] = h.count();
  if (h.count() == 0) return out;
  out["mean_ms"] = ms(h.mean());
  out["min_ms"] = ms(h.min());
  for (const auto& [name, q] : {std::pair("p50_ms", 0.5), {"p90_ms", 0.9}, {"p99_ms", 0.99}, {"p999_ms", 0.999}}) out[name] = ms(h.quantile(q));
  out["max_ms"] = ms(h.max());
  return out;
}

json::object json_of(const direction_counts& c) {
  json::object out;
  out["messages_sent"] = c.messages_sent;
  out["messages_received"] = c.messages_received;
  out["octets_sent"] = c.bytes_sent;
  out["octets_received"] = c.bytes_received;
  out["misplaced"] = c.misplaced;
  return out;
}

json::object json_of(const load_counts& c) {
  json::object out;
  out["calls_begun"] = c.calls_begun;
  out["calls_up"] = c.calls_up;
  out["calls_failed"] = c.calls_failed;
  out["calls_ended"] = c.calls_ended;
  out["unsent"] = c.unsent;
  out["up"] = json_of(c.up);
  out["down"] = json_of(c.down);
  return out;
}

json::object json_of(const crew_latencies& l) {
  json::object out;
  out["setup"] = json_of(l.setup);
  out["up"] = json_of(l.up);
  out["down"] = json_of(l.down);
  json::object stages;
  for (const auto& [name, h] : l.stages) stages[name] = json_of(h);
  out["stages"] = std::move(stages);
  return out;
}

json::value json_of(const std::optional<process_sample>& s) {
  if (!s) return nullptr;
  json::object out;
  out["cpu_seconds"] = s->cpu_seconds;
  out["rss_bytes"] = s->rss_bytes;
  out["threads"] = s->threads;
  return out;
}

json::object json_of(const process_story& p, double window) {
  json::object out;
  out["before_calls"] = json_of(p.first);
  out["begin"] = json_of(p.begin);
  out["end"] = json_of(p.end);
  out["after_calls"] = json_of(p.last);
  if (p.after_thousand) out["after_1000_calls"] = json_of(p.after_thousand);
  if (const auto cpu = cpu_between(p.begin, p.end)) {
    out["cpu_seconds"] = *cpu;
    out["cores"] = per(*cpu, window);
  }
  return out;
}

json::object json_of(const load_options& o) {
  json::object out;
  out["sessions"] = o.sessions;
  out["rate"] = o.rate;
  out["size"] = o.size;
  out["direction"] = o.way == direction::up ? "up" : o.way == direction::down ? "down" : "both";
  out["duration_s"] = seconds_of(o.duration);
  out["calls"] = o.calls;
  out["rtt_ms"] = ms(o.rtt);
  out["dcep"] = o.dcep;
  out["buffer"] = o.buffers();
  out["mtu"] = o.mtu;
  out["concurrency"] = o.concurrency;
  out["threads"] = o.shards();
  return out;
}

/// What the gateway spent for what it did: the figures that deployments are sized by.
struct cost {
  std::optional<double> ms_per_mb, us_per_message, ms_per_call, kb_per_call, growth_percent;
};

cost cost_of(const outcome& o) {
  cost out;
  const auto cpu = cpu_between(o.gateway.begin, o.gateway.end);
  const double bytes = static_cast<double>(o.measured.up.bytes_received + o.measured.down.bytes_received);
  const double messages = static_cast<double>(o.measured.up.messages_received + o.measured.down.messages_received);
  const bool of_calls = o.options.scenario == scenario::setup || o.options.scenario == scenario::churn;
  if (cpu && of_calls && o.measured.calls_ended > 0) out.ms_per_call = *cpu * 1e3 / static_cast<double>(o.measured.calls_ended);
  if (cpu && !of_calls && o.options.scenario != scenario::idle && messages > 0) {
    out.ms_per_mb = *cpu * 1e9 / bytes;
    out.us_per_message = *cpu * 1e6 / messages;
  }
  const auto standing = o.window.standing;
  if (o.gateway.first && o.gateway.end && standing > 0 && o.options.scenario == scenario::idle) {
    out.kb_per_call = (static_cast<double>(o.gateway.end->rss_bytes) - static_cast<double>(o.gateway.first->rss_bytes)) / 1024 / static_cast<double>(standing);
  }
  if (o.gateway.after_thousand && o.gateway.end && o.gateway.after_thousand->rss_bytes > 0) {
    out.growth_percent = 100.0 * (static_cast<double>(o.gateway.end->rss_bytes) / static_cast<double>(o.gateway.after_thousand->rss_bytes) - 1);
  }
  return out;
}

json::object json_of(const second& s) {
  json::object out;
  out["at_s"] = s.at;
  out["standing"] = s.counts.standing;
  out["calls_up"] = s.counts.calls_up;
  out["calls_failed"] = s.counts.calls_failed;
  out["up_messages"] = s.counts.up.messages_received;
  out["up_octets"] = s.counts.up.bytes_received;
  out["down_messages"] = s.counts.down.messages_received;
  out["down_octets"] = s.counts.down.bytes_received;
  out["p99_ms"] = s.p99_ms;
  out["gateway_cores"] = s.gateway_cpu;
  out["gateway_rss_bytes"] = s.gateway_rss;
  out["own_cores"] = s.own_cpu;
  out["own_rss_bytes"] = s.own_rss;
  return out;
}

std::string latency_row(const char* name, const histogram& h) {
  if (h.count() == 0) return {};
  return format("  %-14s %9llu %10s %10s %10s %10s %10s\n", name, static_cast<unsigned long long>(h.count()), time_text(h.quantile(0.5)).c_str(),
                time_text(h.quantile(0.9)).c_str(), time_text(h.quantile(0.99)).c_str(), time_text(h.quantile(0.999)).c_str(), time_text(h.max()).c_str());
}

std::string way_row(const char* name, const outcome& o, const direction_counts& window, const direction_counts& all) {
  if (all.messages_sent == 0) return {};
  const double octets = static_cast<double>(window.bytes_received);
  return format("  %-14s %9.1f msg/s %9.2f MB/s %9.1f Mbit/s   sent %llu, arrived %llu octets%s\n", name,
                per(static_cast<double>(window.messages_received), o.measured_seconds), per(octets, o.measured_seconds) / 1e6,
                per(octets, o.measured_seconds) * 8 / 1e6, static_cast<unsigned long long>(all.bytes_sent),
                static_cast<unsigned long long>(all.bytes_received), all.bytes_sent == all.bytes_received ? "" : "  LOST");
}

}  // namespace

std::string time_text(clock::duration d) {
  const auto ns = static_cast<double>(d.count());
  if (ns < 1e3) return format("%.0f ns", ns);
  if (ns < 1e6) return format("%.0f us", ns / 1e3);
  if (ns < 1e9) return format(ns < 1e7 ? "%.2f ms" : ns < 1e8 ? "%.1f ms" : "%.0f ms", ns / 1e6);
  return format("%.2f s", ns / 1e9);
}

std::string bytes_text(std::uint64_t bytes) {
  const auto b = static_cast<double>(bytes);
  return b < 1e6 ? format("%.0f KB", b / 1e3) : b < 1e9 ? format("%.1f MB", b / 1e6) : format("%.2f GB", b / 1e9);
}

std::string bars(const histogram& h, std::size_t width) {
  if (h.count() == 0) return {};
  struct row {
    clock::duration from, to;
    std::uint64_t count;
  };
  std::vector<row> rows;
  clock::duration from{0};
  std::uint64_t below = 0, most = 0;
  static constexpr double series[] = {1, 2, 5};
  for (int power = 3; below < h.count() && power < 13; ++power) {
    for (const auto digit : series) {
      const clock::duration to(static_cast<std::int64_t>(digit * std::pow(10, power)));
      const auto now = to > h.max() ? h.count() : h.below(to);
      const auto count = now - below;
      if (count != 0 || !rows.empty()) rows.push_back({from, to, count});
      most = std::max(most, count);
      below = now;
      from = to;
      if (below == h.count()) break;
    }
  }
  std::string out;
  std::uint64_t seen = 0;
  for (const auto& r : rows) {
    seen += r.count;
    const auto length = most == 0 ? 0 : (r.count * width + most - 1) / most;
    out += format("  %8s to %8s %10llu %7.3f %% ", time_text(r.from).c_str(), time_text(r.to).c_str(), static_cast<unsigned long long>(r.count),
                  100.0 * static_cast<double>(seen) / static_cast<double>(h.count())) +
           std::string(length, '#') + "\n";
  }
  return out;
}

std::string progress_line(const second& s, const load_options& o) {
  std::string out = format("%4.0f s  calls %llu", s.at, static_cast<unsigned long long>(s.counts.standing));
  out += format(" (+%llu", static_cast<unsigned long long>(s.counts.calls_up));
  out += s.counts.calls_failed != 0 ? format(", failed %llu)", static_cast<unsigned long long>(s.counts.calls_failed)) : ")";
  const auto way = [&out](const char* name, const direction_counts& c) {
    if (c.messages_received == 0) return;
    out += format("  %s %.1f MB/s %llu msg/s", name, static_cast<double>(c.bytes_received) / 1e6, static_cast<unsigned long long>(c.messages_received));
  };
  way("up", s.counts.up);
  way("down", s.counts.down);
  if (s.p99_ms > 0) out += format("  p99 %.2f ms", s.p99_ms);
  if (s.gateway_rss != 0) out += format("  gateway %.0f %% %s", s.gateway_cpu * 100, bytes_text(s.gateway_rss).c_str());
  out += format("  load %.0f %% %s", s.own_cpu * 100, bytes_text(s.own_rss).c_str());
  static_cast<void>(o);
  return out;
}

std::string table(const outcome& o) {
  std::string out = format("\n%s%s: %zu sessions, %s\n", o.options.sweep ? "sweep " : "", std::string(name_of(o.options.scenario)).c_str(), o.options.sessions,
                           o.gateway_name.c_str());
  out += format("  %s, %u cores, %s\n", o.machine.cpu.c_str(), o.machine.cores, o.machine.kernel.c_str());
  out += format("  calls          begun %llu, up %llu, failed %llu\n", static_cast<unsigned long long>(o.total.calls_begun),
                static_cast<unsigned long long>(o.total.calls_up), static_cast<unsigned long long>(o.total.calls_failed));
  for (const auto& [cause, n] : o.causes()) out += format("    failed       %llu: %s\n", static_cast<unsigned long long>(n), cause.c_str());
  if (!o.steps.empty()) {
    out += format("  %12s %12s %10s %10s %10s %8s\n", "rate", "achieved", "p50", "p99", "gateway", "lost");
    for (const auto& s : o.steps) {
      out += format("  %10.1f/s %10.1f/s %7.2f ms %7.2f ms %8.0f %% %8llu  %s\n", s.rate, s.achieved, s.p50_ms, s.p99_ms, s.gateway_cpu * 100,
                    static_cast<unsigned long long>(s.lost + s.failed), s.good ? "good" : "too much");
    }
    out += o.knee ? format("  knee           %.1f a second with p99 below %g ms\n", *o.knee, o.options.p99_ms) : std::string("  knee           none\n");
  } else {
    out += format("  measured       %.2f s, and %.2f s until all had arrived\n", o.measured_seconds, o.drained_seconds);
    const bool of_calls = o.options.scenario == scenario::setup || o.options.scenario == scenario::churn;
    if (of_calls) out += format("  rate           %.1f calls/s\n", per(static_cast<double>(o.measured.calls_up), o.measured_seconds + o.drained_seconds));
    else if (o.set_up_seconds > 0) out += format("  set-up before  %.2f s, %.1f calls/s\n", o.set_up_seconds, per(static_cast<double>(o.total.calls_up), o.set_up_seconds));
    if (!of_calls) out += way_row("to the core", o, o.window.up, o.measured.up) + way_row("to the WICs", o, o.window.down, o.measured.down);
  }
  const auto process = [&o](const char* name, const process_story& p) {
    if (!p.begin || !p.end) return std::string();
    const auto cpu = *cpu_between(p.begin, p.end);
    const auto rss = [](const std::optional<process_sample>& s) { return s ? bytes_text(s->rss_bytes) : std::string("?"); };
    return format("  %-14s CPU %.2f s, %.1f %% of a core; RSS %s before the calls, %s then, %s behind them\n", name, cpu,
                  100 * per(cpu, o.measured_seconds + o.drained_seconds), rss(p.first).c_str(), rss(p.end).c_str(), rss(p.last).c_str());
  };
  out += process("gateway", o.gateway);
  if (o.steps.empty()) {
    const auto c = cost_of(o);
    std::string figures;
    const auto figure = [&figures](const std::optional<double>& value, const char* how) {
      if (value) figures += (figures.empty() ? "" : ", ") + format(how, *value);
    };
    figure(c.ms_per_mb, "%.2f ms of CPU a MB");
    figure(c.us_per_message, "%.1f us a message");
    figure(c.ms_per_call, "%.2f ms a call");
    figure(c.kb_per_call, "%.0f KB a standing call");
    figure(c.growth_percent, "RSS %+.1f %% since 1000 calls");
    if (!figures.empty()) out += "  its cost       " + figures + "\n";
  }
  out += process("agw-load", o.own);
  const auto& l = o.latencies;
  const bool before = l.setup.count() == 0;
  const auto& set_up = before ? o.before : l;
  out += format("  %-14s %9s %10s %10s %10s %10s %10s\n", "", "count", "p50", "p90", "p99", "p99.9", "max");
  out += latency_row("set-up", set_up.setup);
  for (const auto& [name, h] : set_up.stages) out += latency_row(("  " + name).c_str(), h);
  out += latency_row("to the core", l.up) + latency_row("to the WICs", l.down);
  histogram shown = l.up;
  shown.add(l.down);
  const bool bulk = o.options.scenario == scenario::bulk_up || o.options.scenario == scenario::bulk_down;
  if (!bulk && shown.count() != 0) out += "\nlatency of messages, from the intended time of sending\n" + bars(shown);
  else if (set_up.setup.count() != 0) out += "\nset-up, from the intended begin until the first message is at the core\n" + bars(set_up.setup);
  for (const auto& f : o.faults()) out += "agw-load: " + f + "\n";
  return out;
}

json::object to_json(const outcome& o) {
  json::object out;
  out["program"] = "agw-load";
  out["version"] = std::string(version);
  out["scenario"] = std::string(name_of(o.options.scenario));
  out["sweep"] = o.options.sweep;
  out["options"] = json_of(o.options);
  json::object machine;
  machine["cpu"] = o.machine.cpu;
  machine["cores"] = o.machine.cores;
  machine["kernel"] = o.machine.kernel;
  out["machine"] = std::move(machine);
  out["gateway_name"] = o.gateway_name;
  const auto faults = o.faults();
  out["ok"] = faults.empty();
  json::array list;
  for (const auto& f : faults) list.emplace_back(f);
  out["faults"] = std::move(list);
  out["set_up_seconds"] = o.set_up_seconds;
  out["measured_seconds"] = o.measured_seconds;
  out["drained_seconds"] = o.drained_seconds;
  out["window"] = json_of(o.window);
  out["measured"] = json_of(o.measured);
  out["total"] = json_of(o.total);
  json::object causes;
  for (const auto& [cause, n] : o.causes()) causes[cause] = n;
  out["causes"] = std::move(causes);
  out["set_up"] = json_of(o.before);
  out["latency"] = json_of(o.latencies);
  const double span = o.measured_seconds + o.drained_seconds;
  out["gateway"] = json_of(o.gateway, span);
  out["own"] = json_of(o.own, span);
  json::object rates;
  rates["calls_per_s"] = per(static_cast<double>(o.measured.calls_up), span);
  rates["up_messages_per_s"] = per(static_cast<double>(o.window.up.messages_received), o.measured_seconds);
  rates["down_messages_per_s"] = per(static_cast<double>(o.window.down.messages_received), o.measured_seconds);
  rates["up_mbit_per_s"] = per(static_cast<double>(o.window.up.bytes_received), o.measured_seconds) * 8 / 1e6;
  rates["down_mbit_per_s"] = per(static_cast<double>(o.window.down.bytes_received), o.measured_seconds) * 8 / 1e6;
  out["rates"] = std::move(rates);
  json::object costs;
  const auto c = cost_of(o);
  const auto put = [&costs](const char* name, const std::optional<double>& value) {
    if (value) costs[name] = *value;
  };
  put("cpu_ms_per_mb", c.ms_per_mb);
  put("cpu_us_per_message", c.us_per_message);
  put("cpu_ms_per_call", c.ms_per_call);
  put("rss_kb_per_call", c.kb_per_call);
  put("rss_growth_percent", c.growth_percent);
  out["cost"] = std::move(costs);
  json::object h248;
  h248["transactions"] = o.h248.transactions;
  h248["notifies"] = o.h248.notifies;
  h248["unreleased"] = o.h248.unreleased;
  out["h248"] = std::move(h248);
  json::array seconds;
  for (const auto& s : o.seconds) seconds.push_back(json_of(s));
  out["seconds"] = std::move(seconds);
  if (o.options.sweep) {
    json::array steps;
    for (const auto& s : o.steps) {
      json::object one;
      one["rate"] = s.rate;
      one["achieved"] = s.achieved;
      one["p50_ms"] = s.p50_ms;
      one["p99_ms"] = s.p99_ms;
      one["gateway_cores"] = s.gateway_cpu;
      one["lost"] = s.lost;
      one["failed"] = s.failed;
      one["good"] = s.good;
      steps.push_back(std::move(one));
    }
    out["steps"] = std::move(steps);
    out["p99_bound_ms"] = o.options.p99_ms;
    out["knee"] = o.knee ? json::value(*o.knee) : json::value(nullptr);
  }
  return out;
}

}  // namespace agw::load
