// setup, churn: calls that are set up, send one message, stand for a time and are released.
#include <set>

#include "crew.hpp"
#include "pacer.hpp"

namespace agw::load {

awaitable<void> crew::play_calls(step s) {
  const std::uint64_t at_a_time = std::max<std::uint64_t>(1, options().sessions / crews_);
  std::uint64_t left = s.calls == 0 ? ~std::uint64_t{0} : s.calls / crews_ + (index_ < s.calls % crews_ ? 1 : 0);
  co_await sleep_until_or_stop(s.start);
  if (s.rate == 0) {
    auto work = [this, &left, s]() -> awaitable<void> {
      while (left > 0 && !stopped_ && (s.calls != 0 || clock::now() < s.end)) {
        --left;
        const auto one = begin_call(clock::now(), s.hold);
        co_await one->gone.wait();
      }
    };
    std::function<awaitable<void>()> job = work;
    co_await workers(at_a_time, std::move(job));
    co_await calls_.join();
    co_return;
  }
  // A call that finds no place waits for one; its time counts from when it was meant to begin.
  std::set<std::shared_ptr<call>> alive;
  event place_free;
  // Of churn the standing ones are meant to be `sessions`, so there is room for the slow ones besides.
  const auto places = s.hold > clock::duration(0) ? 4 * at_a_time + 64 : at_a_time;
  pacer times(s.start, s.calls != 0 ? no_deadline : s.end, s.rate, index_, crews_);
  auto call_after_call = [&](task_group& lives) -> awaitable<void> {
    while (left > 0 && !stopped_) {
      const auto next = times.next();
      if (!next) break;
      co_await sleep_until_or_stop(*next);
      if (stopped_) break;
      while (alive.size() >= places) co_await place_free.wait();
      if (const auto intended = times.take(clock::now())) {
        --left;
        const auto one = begin_call(*intended, s.hold);
        alive.insert(one);
        lives.spawn("life", [&alive, &place_free, one]() -> awaitable<void> {
          co_await one->gone.wait();
          alive.erase(one);
          place_free.set();
        });
      }
    }
    if (stopped_) {
      for (const auto& one : alive) one->end();
    }
  };
  auto begin = [&call_after_call](task_group& lives) {
    lives.spawn("calls", [&call_after_call, &lives] { return call_after_call(lives); });
  };
  co_await join_all("lives", std::move(begin));
  co_await calls_.join();
}

}  // namespace agw::load
