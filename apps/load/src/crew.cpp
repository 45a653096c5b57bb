#include "crew.hpp"

#include <algorithm>

#include "agw/core/log.hpp"
#include "agw/core/until.hpp"

namespace agw::load {

crew::crew(shard& home, const crew_services& shared, std::uint64_t index, std::uint64_t crews)
    : home_(home), shared_(shared), index_(index), crews_(crews), calls_(home.executor(), "calls") {}

void crew::stop() {
  stopped_ = true;
  wake_.set();
}

awaitable<void> crew::sleep_until_or_stop(clock::time_point at) {
  if (stopped_) co_return;
  auto waking = wake_.wait();
  co_await within(at, std::move(waking));
}

awaitable<open_call> crew::open(call_request request) {
  auto ask = [controller = shared_.controller, r = std::move(request)]() mutable { return controller->open(std::move(r)); };
  auto asking = on(*shared_.control, std::move(ask));
  co_return co_await std::move(asking);
}

awaitable<void> crew::release(std::uint32_t context) {
  auto ask = [controller = shared_.controller, context]() { return controller->release(context); };
  auto asking = on(*shared_.control, std::move(ask));
  (void)co_await std::move(asking);
}

void crew::took(std::string_view stage, clock::duration time) {
  auto at = latencies_.stages.find(stage);
  if (at == latencies_.stages.end()) at = latencies_.stages.emplace(stage, histogram()).first;
  at->second.record(time);
}

void crew::on_stage(const stage_event& e) {
  if (e.what == stage_event::kind::done) took(e.stage, e.took);
}

void crew::failed(std::uint64_t number, const std::string& cause) {
  log::info("call {}: {}", number, log::printable(cause));
  counted_.calls_failed.add();
  // Causes come from closed vocabularies, but for a peer's words.
  auto& causes = latencies_.causes;
  const bool full = causes.size() >= 100 && causes.find(cause) == causes.end();
  ++causes[full ? std::string("other") : log::printable(cause, 80)];
}

std::shared_ptr<call> crew::begin_call(clock::time_point intended, clock::duration hold) {
  auto one = std::make_shared<call>(*this, index_ + crews_ * begun_++, intended);
  calls_.spawn("call", [one, hold] { return one->run(hold); });
  return one;
}

awaitable<void> crew::workers(std::size_t count, std::function<awaitable<void>()> work) {
  auto begin = [&](task_group& group) {
    for (std::size_t i = 0; i < count; ++i) group.spawn("worker", [&work] { return work(); });
  };
  co_await join_all("workers", std::move(begin));
}

awaitable<void> crew::ramp(std::uint64_t calls, std::size_t at_a_time) {
  std::uint64_t left = calls;
  standing_.reserve(standing_.size() + calls);
  auto work = [this, &left]() -> awaitable<void> {
    while (left > 0 && !stopped_) {
      --left;
      const auto one = begin_call(clock::now(), clock::duration::max());
      co_await one->settled.wait();
      if (one->is_up()) standing_.push_back(one);
    }
  };
  std::function<awaitable<void>()> job = work;
  co_await workers(at_a_time, std::move(job));
}

awaitable<void> crew::release_all(std::size_t at_a_time) {
  for (const auto& one : standing_) one->send_until(true, {});
  auto work = [this]() -> awaitable<void> {
    while (!standing_.empty()) {
      const auto one = std::move(standing_.back());
      standing_.pop_back();
      one->end();
      co_await one->gone.wait();
    }
  };
  std::function<awaitable<void>()> job = work;
  co_await workers(at_a_time, std::move(job));
  co_await calls_.join();
}

awaitable<void> crew::drain() {
  constexpr auto no_more_after = std::chrono::seconds(5);
  const auto received = [this] { return counted_.up.bytes_received.get() + counted_.down.bytes_received.get(); };
  auto last = received();
  auto last_change = clock::now();
  for (;;) {
    const auto now = clock::now();
    if (std::ranges::all_of(standing_, [now](const auto& one) { return one->quiet(now); })) co_return;
    if (const auto seen = received(); seen != last) {
      last = seen;
      last_change = now;
    }
    if (now - last_change > no_more_after) co_return;
    co_await sleep_until(now + std::chrono::milliseconds(10));
  }
}

awaitable<void> crew::play_idle(step s) {
  // Each WIC is a machine of its own: that thousands of them wake this one for their answers is not the gateway's cost.
  for (const auto& one : standing_) one->rest();
  co_await sleep_until_or_stop(s.end);
}

crew_latencies crew::take_latencies() {
  crew_latencies out = std::move(latencies_);
  latencies_ = {};
  return out;
}

}  // namespace agw::load
