#include "load_run.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "agw/core/until.hpp"
#include "call_failure.hpp"
#include "report.hpp"

namespace agw::load {

namespace {

double in_seconds(clock::duration d) { return static_cast<double>(d.count()) / 1e9; }

}  // namespace

load_run::load_run(load_options options, shard& control, mgc& controller, std::vector<std::unique_ptr<crew>>& crews, int gateway_pid)
    : options_(std::move(options)), control_(control), controller_(controller), crews_(crews), gateway_pid_(gateway_pid) {
  out_.options = options_;
  out_.machine = describe_machine();
}

// f(crew) on every shard at once.
template <class F>
awaitable<void> load_run::each(F f) {
  auto begin = [this, &f](task_group& all) {
    for (auto& one : crews_) {
      all.spawn("crew", [&one, f]() -> awaitable<void> {
        auto job = [&one, f] { return f(*one); };
        auto hopping = on(one->home(), std::move(job));
        co_await std::move(hopping);
      });
    }
  };
  co_await join_all("crews", std::move(begin));
}

load_counts load_run::counts() const {
  load_counts out;
  for (const auto& one : crews_) out.add(one->counted());
  return out;
}

process_sample load_run::own() const { return sample_process(::getpid()).value_or(process_sample{}); }
std::optional<process_sample> load_run::gateway() const { return gateway_pid_ != 0 ? sample_process(gateway_pid_) : std::nullopt; }

/// Whether the scenario's calls stand before it is measured.
bool load_run::stands() const noexcept { return options_.scenario != scenario::setup && options_.scenario != scenario::churn; }

awaitable<void> load_run::play() {
  auto coming = controller_.registered();
  const bool came = co_await within(deadline_after(options_.patience), std::move(coming));
  if (!came) throw call_failure("no gateway has registered at " + h248::to_text(controller_.local()));
  out_.gateway_name = controller_.gateway_name();
  out_.gateway.first = last_gateway_ = gateway();
  out_.own.first = last_own_ = own();
  began_ = last_tick_ = clock::now();
  auto body = [this](task_group& tasks) -> awaitable<void> {
    tasks.spawn("ticker", [this] { return ticker(); });
    co_await measure();
  };
  co_await with_tasks("run", std::move(body));
  out_.total = counts();
  out_.h248 = controller_.counts();
  out_.gateway.last = gateway();
  out_.own.last = own();
}

awaitable<void> load_run::measure() {
  const auto at_a_time = std::max<std::size_t>(1, options_.concurrency / crews_.size());
  if (stands()) {
    const auto begin = clock::now();
    const auto n = crews_.size();
    const auto calls = options_.sessions;
    auto ramp = [n, calls, at_a_time, this](crew& one) {
      const auto index = static_cast<std::size_t>(std::ranges::find_if(crews_, [&](const auto& c) { return c.get() == &one; }) - crews_.begin());
      return one.ramp(calls / n + (index < calls % n ? 1 : 0), at_a_time);
    };
    co_await each(ramp);
    out_.set_up_seconds = in_seconds(clock::now() - begin);
    co_await settle();
    out_.before = std::move(latencies_);
    latencies_ = {};
  }
  if (options_.sweep) {
    co_await find_knee();
  } else if (out_.interrupted.empty()) {
    step s;
    s.start = clock::now() + std::chrono::milliseconds(20);
    s.end = s.start + options_.duration;
    s.rate = options_.rate;
    s.calls = options_.calls;
    if (options_.scenario == scenario::churn) s.hold = clock::duration(static_cast<std::int64_t>(static_cast<double>(options_.sessions) / options_.rate * 1e9));
    co_await play_step(s);
  }
  auto release = [at_a_time](crew& one) { return one.release_all(at_a_time); };
  co_await each(release);
}

// What is recorded until now belongs to the phase that ends.
awaitable<void> load_run::settle() {
  while (collecting_) co_await collected_.wait();
  co_await collect();
}

awaitable<void> load_run::play_step(step s) {
  const auto before = counts();
  out_.gateway.begin = gateway();
  out_.own.begin = own();
  began_ = s.start;
  const auto kind = options_.scenario;
  const bool timed = kind != scenario::setup && kind != scenario::churn;
  auto play = [s, kind](crew& one) -> awaitable<void> {
    switch (kind) {
      case scenario::bulk_up:
      case scenario::bulk_down: return one.play_bulk(s);
      case scenario::messages: return one.play_messages(s);
      case scenario::setup:
      case scenario::churn: return one.play_calls(s);
      case scenario::idle: break;
    }
    return one.play_idle(s);
  };
  co_await each(play);
  const auto end = clock::now();
  out_.window = counts() - before;
  out_.measured_seconds = in_seconds(end - s.start);
  if (timed) {
    auto drain = [](crew& one) { return one.drain(); };
    co_await each(drain);
  }
  out_.drained_seconds = in_seconds(clock::now() - end);
  out_.measured = counts() - before;
  out_.gateway.end = gateway();
  out_.own.end = own();
  co_await settle();
  out_.latencies = std::move(latencies_);
  latencies_ = {};
}

awaitable<void> load_run::collect() {
  collecting_ = true;
  std::vector<crew_latencies> got(crews_.size());
  auto begin = [this, &got](task_group& all) {
    for (std::size_t i = 0; i < crews_.size(); ++i) {
      all.spawn("crew", [this, i, &got]() -> awaitable<void> {
        auto job = [&one = *crews_[i]]() -> awaitable<crew_latencies> { co_return one.take_latencies(); };
        auto hopping = on(crews_[i]->home(), std::move(job));
        got[i] = co_await std::move(hopping);
      });
    }
  };
  co_await join_all("collect", std::move(begin));
  last_second_ = {};
  for (const auto& one : got) last_second_.add(one);
  latencies_.add(last_second_);
  collecting_ = false;
  collected_.set();
}

awaitable<void> load_run::ticker() {
  for (auto at = clock::now() + std::chrono::seconds(1);; at += std::chrono::seconds(1)) {
    co_await sleep_until(at);
    if (!collecting_) co_await tick();
  }
}

awaitable<void> load_run::tick() {
  co_await collect();
  const auto now = clock::now();
  const auto took = std::max(1e-3, in_seconds(now - last_tick_));
  last_tick_ = now;
  second s;
  s.at = in_seconds(now - began_);
  const auto all = counts();
  s.counts = all - last_counts_;
  last_counts_ = all;
  histogram messages = last_second_.up;
  messages.add(last_second_.down);
  const auto& shown = messages.count() != 0 ? messages : last_second_.setup;
  s.p99_ms = in_seconds(shown.quantile(0.99)) * 1e3;
  const auto of_gateway = gateway();
  if (of_gateway && last_gateway_) s.gateway_cpu = (of_gateway->cpu_seconds - last_gateway_->cpu_seconds) / took;
  if (of_gateway) s.gateway_rss = of_gateway->rss_bytes;
  last_gateway_ = of_gateway;
  const auto ours = own();
  if (last_own_) s.own_cpu = (ours.cpu_seconds - last_own_->cpu_seconds) / took;
  s.own_rss = ours.rss_bytes;
  last_own_ = ours;
  if (!out_.gateway.after_thousand && all.calls_ended >= 1000 && options_.scenario == scenario::churn) out_.gateway.after_thousand = of_gateway;
  constexpr std::size_t most_seconds = 100000;
  if (out_.seconds.size() < most_seconds) out_.seconds.push_back(s);
  if (!options_.quiet && options_.json != "-") std::cerr << progress_line(s, options_) << std::endl;
}

awaitable<void> load_run::interrupt(std::string why) {
  if (out_.interrupted.empty()) out_.interrupted = std::move(why);
  auto stop = [](crew& one) -> awaitable<void> {
    one.stop();
    co_return;
  };
  co_await each(stop);
}

}  // namespace agw::load
