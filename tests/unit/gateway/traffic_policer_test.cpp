#include <boost/asio/co_spawn.hpp>

#include <catch2/catch.hpp>

#include "agw/core/metrics.hpp"
#include "../../../apps/gateway/src/policed_pipes.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{std::chrono::hours(5)};

traffic_limits limits(std::optional<std::uint64_t> sustained, std::optional<std::uint64_t> burst = {},
                      std::optional<std::uint64_t> peak = {}, std::chrono::nanoseconds variation = {}) {
  traffic_limits out;
  out.sustained_rate = sustained;
  out.burst_bytes = burst;
  out.peak_rate = peak;
  out.delay_variation = variation;
  return out;
}

/// Datagrams from a list.
class few_datagrams final : public datagram_pipe {
 public:
  awaitable<void> receive(datagram_batch& into) override {
    const std::vector<std::byte> one(1000);
    for (int i = 0; i < waiting; ++i) into.push(one);
    waiting = 0;
    if (into.empty()) co_await sleep_until(no_deadline);
  }
  void send(const datagram_batch&) override {}
  std::size_t max_datagram_bytes() const noexcept override { return 1200; }
  int waiting = 0;
};

/// A message each time.
class one_message final : public message_pipe {
 public:
  explicit one_message(std::size_t bytes) : bytes_(bytes) {}
  awaitable<bool> receive(std::vector<message>& into) override {
    into.emplace_back(message_kind::binary, std::vector<std::byte>(bytes_));
    co_return true;
  }
  bool try_send(bytes_view, message_kind) override { return true; }
  awaitable<void> send_ready() override { co_return; }
  std::size_t max_message_bytes() const noexcept override { return bytes_; }
  void in_use() noexcept override { ++uses; }
  awaitable<void> close(deadline) override { co_return; }
  int uses = 0;

 private:
  std::size_t bytes_;
};

}  // namespace

TEST_CASE("a burst passes whole, and then as much as the sustained rate brings") {
  traffic_policer p;
  p.set(limits(10'000, 5'000), start);
  for (int i = 0; i < 5; ++i) CHECK(p.admit(1000, start));
  CHECK_FALSE(p.admit(1000, start));
  CHECK_FALSE(p.admit(1000, start + 99ms));
  CHECK(p.admit(1000, start + 100ms));
  CHECK_FALSE(p.admit(1, start + 100ms));
  // However long it was quiet, no more than the burst.
  for (int i = 0; i < 5; ++i) CHECK(p.admit(1000, start + 1h));
  CHECK_FALSE(p.admit(1000, start + 1h));
}

TEST_CASE("over a long time no more passes than the rate, whatever is offered") {
  traffic_policer p;
  p.set(limits(8'000, 4'000), start);
  std::uint64_t passed = 0;
  for (auto at = start; at < start + 100s; at += 10ms) passed += p.admit(500, at) ? 500 : 0;  // offers 50 kB/s
  CHECK(passed <= 100 * 8'000 + 4'000);
  CHECK(passed >= 100 * 8'000 - 1'000);
}

TEST_CASE("both rates must agree, and what one refuses does not count against the other") {
  traffic_policer p;
  p.set(limits(1'000'000, 1'000'000, 10'000), start);
  CHECK(p.admit(1500, start));
  CHECK_FALSE(p.admit(1000, start));  // the peak rate
  CHECK_FALSE(p.admit(1000, start + 99ms));
  CHECK(p.admit(1000, start + 101ms));
}

TEST_CASE("the delay variation is what may come early against the peak rate") {
  traffic_policer p;
  p.set(limits({}, {}, 100'000, 100ms), start);  // 10 000 octets
  for (int i = 0; i < 10; ++i) CHECK(p.admit(1000, start));
  CHECK_FALSE(p.admit(1000, start));
}

TEST_CASE("a reader that spends what came resumes when the debt is paid") {
  traffic_policer p;
  p.set(limits(10'000, 2'000), start);
  CHECK(p.largest_read() == 2'000);
  p.spend(12'000, start);
  CHECK(p.resume_at(start) > start + 999ms);
  CHECK(p.resume_at(start) < start + 1001ms);
  CHECK(p.resume_at(start + 1001ms) <= start + 1001ms);
}

TEST_CASE("without limits everything passes at once, and taking them away forgives the debt") {
  traffic_policer p;
  CHECK_FALSE(p.active());
  CHECK(p.admit(UINT32_MAX, start));
  p.set(limits(1, 1), start);
  CHECK(p.active());
  p.spend(1'000'000, start);
  p.set({}, start);
  CHECK(p.resume_at(start) == start);
  CHECK(p.largest_read() == UINT64_MAX);
}

TEST_CASE("datagrams beyond the limits are dropped and counted") {
  const auto before = drops("police", "rate");
  agw::test::run([]() -> awaitable<void> {
    auto lower = std::make_unique<few_datagrams>();
    lower->waiting = 10;
    traffic_policer policer;
    policer.set(limits(1'000, 4'000), clock::now());
    policed_path path(std::move(lower), policer);
    datagram_batch batch;
    co_await path.receive(batch);
    CHECK(batch.size() == 4);
  });
  CHECK(drops("police", "rate") == before + 6);
}

TEST_CASE("a channel whose reader pauses for the policer is in use meanwhile, unless nothing may pass at all") {
  asio::io_context context{1};
  agw::test::manual_clock time{context};
  traffic_policer policer;
  auto lower = std::make_unique<one_message>(256 << 10);
  auto& below = *lower;
  policed_channel channel(std::move(lower), policer);
  std::vector<message> got;
  bool ended = false;
  policer.set(limits(8'000), clock::now());
  auto body = [&]() -> awaitable<void> {
    (void)co_await channel.receive(got);
    (void)co_await channel.receive(got);
    ended = true;
  };
  const auto raised = [](std::exception_ptr error) { CHECK_FALSE(error); };
  asio::co_spawn(context, body, raised);
  time.settle();
  CHECK(got.size() == 1);
  for (int i = 0; i < 60; ++i) {
    const auto before = below.uses;
    time.advance(500ms);
    time.settle();
    CHECK(below.uses == before + 1);
    CHECK_FALSE(ended);
  }
  for (int i = 0; i < 10; ++i) {
    time.advance(500ms);
    time.settle();
  }
  CHECK(ended);
  // A rate of 0: the debt is never paid.
  ended = false;
  policer.set(limits(0), clock::now());
  asio::co_spawn(context, body, raised);
  time.settle();
  const auto before = below.uses;
  for (int i = 0; i < 10; ++i) {
    time.advance(500ms);
    time.settle();
  }
  CHECK(below.uses == before);
  policer.set({}, clock::now());
  time.advance(500ms);
  time.settle();
  CHECK(ended);
}
