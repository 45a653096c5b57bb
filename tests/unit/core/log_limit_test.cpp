#include "agw/core/log_limit.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace agw;
using namespace std::chrono_literals;

namespace {
constexpr clock::time_point start{1h};
}

TEST_CASE("of one kind a burst passes, and then one line in each interval") {
  log_limit<int> limit(100ms, 3, 16);
  CHECK(limit.take(1, start) == 0u);
  CHECK(limit.take(1, start) == 0u);
  CHECK(limit.take(1, start) == 0u);
  CHECK_FALSE(limit.take(1, start));
  CHECK_FALSE(limit.take(1, start + 99ms));
  CHECK(limit.take(1, start + 100ms) == 2u);
  CHECK_FALSE(limit.take(1, start + 100ms));
  CHECK(limit.take(1, start + 200ms) == 1u);
  CHECK(limit.left_out() == 3);
}

TEST_CASE("a kind that was quiet has its whole burst again") {
  log_limit<int> limit(100ms, 2, 16);
  for (int i = 0; i < 10; ++i) (void)limit.take(1, start);
  CHECK(limit.take(1, start + 10s) == 8u);
  CHECK(limit.take(1, start + 10s) == 0u);
  CHECK_FALSE(limit.take(1, start + 10s));
}

TEST_CASE("a flood of one kind leaves the others their lines") {
  log_limit<std::string> limit(1s, 1, 16);
  for (int i = 0; i < 100; ++i) (void)limit.take("flood", start);
  CHECK(limit.take("rare", start) == 0u);
}

TEST_CASE("kinds are bounded: those that are quiet make room, a new one beside busy ones gets no line") {
  log_limit<int> limit(1s, 1, 4);
  for (int kind = 0; kind < 4; ++kind) CHECK(limit.take(kind, start));
  CHECK_FALSE(limit.take(4, start));
  CHECK(limit.take(4, start + 1s));
  CHECK(limit.left_out() == 1);
}
