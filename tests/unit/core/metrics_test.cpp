#include "agw/core/metrics.hpp"

#include <limits>
#include <optional>
#include <thread>

#include <catch2/catch.hpp>

using namespace agw;
using Catch::Matchers::Contains;

TEST_CASE("stages, counters and gauges stand in the exposition under their names and labels") {
  metrics m;
  m.stage_took("ice", 0.02);
  m.stage_failed("dtls", "fingerprint");
  m.stage_failed("dtls", "fingerprint");
  m.counter("agw_test_total", "A test's.", {{"way", "in"}}).Increment(3);
  m.gauge("agw_test_level", "Another.").Set(7);
  const auto text = m.expose();
  CHECK_THAT(text, Contains("agw_stage_duration_seconds_count{stage=\"ice\"} 1"));
  CHECK_THAT(text, Contains("agw_stage_failures_total{reason=\"fingerprint\",stage=\"dtls\"} 2"));
  CHECK_THAT(text, Contains("# HELP agw_test_total A test's.") && Contains("agw_test_total{way=\"in\"} 3"));
  CHECK_THAT(text, Contains("# TYPE agw_test_level gauge") && Contains("agw_test_level 7"));
}

TEST_CASE("a metric that is asked for again is the same one") {
  metrics m;
  auto& first = m.counter("agw_test_total", "help", {{"a", "1"}});
  CHECK(&first == &m.counter("agw_test_total", "", {{"a", "1"}}));
  CHECK(&first != &m.counter("agw_test_total", "", {{"a", "2"}}));
}

TEST_CASE("a gauge that is NaN is not exposed until it has a value") {
  metrics m;
  m.gauge("agw_test_level", "A test's.", {{"a", "1"}}).Set(5);
  auto& gone = m.gauge("agw_test_level", "", {{"a", "2"}});
  gone.Set(std::numeric_limits<double>::quiet_NaN());
  CHECK_THAT(m.expose(), !Contains("a=\"2\"") && Contains("agw_test_level{a=\"1\"} 5"));
  m.gauge("agw_test_level", "", {{"a", "2"}}).Set(3);
  CHECK_THAT(m.expose(), Contains("agw_test_level{a=\"2\"} 3"));
  m.gauge("agw_other_level", "Another.").Set(std::numeric_limits<double>::quiet_NaN());
  CHECK_THAT(m.expose(), !Contains("agw_other_level"));
}

TEST_CASE("a share counts for as long as it lives") {
  metrics m;
  auto& level = m.gauge("agw_test_level", "help");
  {
    const gauge_share one(&m, "agw_test_level");
    std::optional<gauge_share> two;
    two.emplace(&m, "agw_test_level");
    CHECK(level.Value() == 2);
    two.reset();
    CHECK(level.Value() == 1);
  }
  CHECK(level.Value() == 0);
  const gauge_share nowhere(nullptr, "agw_test_level");
}

TEST_CASE("drops of several threads add up, and are exposed") {
  const auto before = drops("test", "flood");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 1000; ++i) count_drop("test", "flood");
    });
  }
  for (auto& t : threads) t.join();
  count_drop("test", "flood", 5);
  CHECK(drops("test", "flood") == before + 4005);
  CHECK(drops("test", "never") == 0);
  CHECK_THAT(metrics().expose(), Contains("agw_drops_total{layer=\"test\",cause=\"flood\"} " + std::to_string(before + 4005)));
}
