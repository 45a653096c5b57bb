#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "loop_watch.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::server;
using namespace std::chrono_literals;

namespace {
constexpr clock::time_point start{1h};
using names = std::vector<std::string>;
}  // namespace

TEST_CASE("loops that answer in time are not stuck") {
  loop_health h({"control", "shard0"}, start);
  CHECK(h.ask(1, start + 1s));
  h.answered(0, start + 1s);
  h.answered(1, start + 1s);
  CHECK(h.stuck(start + 3s).empty());
}

TEST_CASE("a shard that has not answered for longer than its patience is stuck, and asked no more until it does") {
  loop_health h({"control", "shard0", "shard1"}, start);
  CHECK(h.ask(1, start));
  CHECK(h.ask(2, start));
  h.answered(2, start);
  h.answered(0, start + 2s);
  CHECK(h.stuck(start + 2s).empty());
  CHECK(h.stuck(start + 2001ms) == names{"shard0"});
  CHECK_FALSE(h.ask(1, start + 3s));
  h.answered(1, start + 5s);
  h.answered(0, start + 5s);
  CHECK(h.stuck(start + 5s).empty());
  CHECK(h.ask(1, start + 6s));
}

TEST_CASE("a control loop that does not turn is the one that is stuck, not those that it does not ask") {
  loop_health h({"control", "shard0"}, start);
  CHECK(h.stuck(start + 10s) == names{"control"});
}

TEST_CASE("a shard that hangs is seen, and is alive when it goes on; its lag is counted") {
  metrics counted;
  shard_pool shards(2);
  asio::io_context loop(1);
  loop_watch watch(shards, counted);
  std::atomic<bool> hang = true;
  asio::post(shards[1].executor(), [&] { hang.wait(true); });
  names seen;
  bool well = false;
  asio::cancellation_signal stop;
  asio::co_spawn(loop, watch.run(), asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
  auto look = [&]() -> awaitable<void> {
    while (seen.empty()) {
      co_await sleep_until(deadline_after(50ms));
      seen = watch.stuck();
    }
    hang = false;
    hang.notify_all();
    while (!well) {
      co_await sleep_until(deadline_after(50ms));
      well = watch.stuck().empty();
    }
    stop.emit(asio::cancellation_type::terminal);
  };
  asio::co_spawn(loop, look, [](std::exception_ptr) {});
  loop.run_for(20s);
  hang = false;
  hang.notify_all();
  shards.stop();
  CHECK(seen == names{"shard1"});
  CHECK(well);
  const auto text = counted.expose();
  CHECK(text.find("agw_loop_lag_seconds_bucket{loop=\"shard1\",le=\"2\"} 0\n") != std::string::npos);
  CHECK(text.find("agw_loop_lag_seconds_count{loop=\"control\"} 0\n") == std::string::npos);
}
