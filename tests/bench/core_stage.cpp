// What does a stage cost that starts and ends, one that is cancelled while it waits, and a call's tree of them?
#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agw/core/metrics.hpp"
#include "agw/core/stage.hpp"

using namespace agw;

namespace {

struct services_with_all : stage_services {
  services_with_all() {
    metrics = &counted;
    deadlines.emplace("dtls", std::chrono::seconds(15));
    deadlines.emplace("sctp", std::chrono::seconds(15));
  }
  agw::metrics counted;
};

awaitable<void> at_once() { co_return; }
awaitable<void> forever() { co_await sleep_until(no_deadline); }

void run(asio::io_context& loop, std::function<awaitable<void>()> body) {
  asio::co_spawn(loop, std::move(body), [](std::exception_ptr e) {
    if (e) std::rethrow_exception(e);
  });
  loop.run();
  loop.restart();
}

// A stage with a deadline and a histogram that has nothing to wait for.
void start(benchmark::State& state) {
  const services_with_all services;
  asio::io_context loop(1);
  stage_scope scope(services, "context 1", 1, {});
  run(loop, [&]() -> awaitable<void> {
    for (auto _ : state) co_await scope.stage("dtls", at_once());
  });
}

// Stages that wait side by side in one group, cancelled at once and joined: `count` of them.
void cancel(benchmark::State& state) {
  const services_with_all services;
  asio::io_context loop(1);
  stage_scope scope(services, "context 1", 1, {});
  for (auto _ : state) {
    run(loop, [&]() -> awaitable<void> {
      auto body = [&](task_group& tasks) -> awaitable<void> {
        for (std::int64_t i = 0; i < state.range(0); ++i) tasks.spawn("stage", [&scope] { return scope.stage("dtls", forever()); });
        co_await asio::post(co_await asio::this_coro::executor, use_awaitable);  // all wait now
      };
      co_await with_tasks("context", std::move(body));
    });
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

}  // namespace

BENCHMARK(start);
BENCHMARK(cancel)->ArgName("count")->Arg(1)->Arg(10)->Arg(1000);

BENCHMARK_MAIN();
