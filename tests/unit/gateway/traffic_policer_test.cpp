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
