#include "agw/msrp/range_set.hpp"

#include <vector>

#include <catch2/catch.hpp>

using agw::msrp::range_set;

TEST_CASE("ranges join whatever their order and overlap") {
  range_set set;
  CHECK(set.covers(0));
  CHECK_FALSE(set.covers(1));
  CHECK(set.add(10, 20));
  CHECK(set.contiguous() == 0);
  CHECK(set.end() == 20);
  CHECK(set.add(0, 5));
  CHECK(set.contiguous() == 5);
  CHECK(set.add(30, 40));
  CHECK(set.add(5, 10));
  CHECK(set.contiguous() == 20);
  CHECK(set.add(15, 35));
  CHECK(set.covers(40));
  CHECK_FALSE(set.covers(41));
  CHECK(set.add(0, 40));
  CHECK(set.add(7, 7));
  CHECK(set.contiguous() == 40);
}

TEST_CASE("a range set agrees with a bitmap") {
  std::uint32_t state = 7;
  const auto random = [&](std::uint32_t below) { return (state = state * 1664525 + 1013904223) / 7 % below; };
  for (int round = 0; round < 200; ++round) {
    range_set set;
    std::vector<bool> bits(200, false);
    for (int i = 0; i < 30; ++i) {
      const auto begin = random(190);
      const auto end = begin + random(20);
      REQUIRE(set.add(begin, end));
      for (auto at = begin; at < end; ++at) bits[at] = true;
      std::size_t expected = 0;
      while (expected < bits.size() && bits[expected]) ++expected;
      REQUIRE(set.contiguous() == expected);
    }
  }
}

TEST_CASE("a range set is bounded and refuses without harm") {
  range_set set;
  for (std::uint64_t i = 0; i < range_set::max_intervals; ++i) REQUIRE(set.add(4 * i, 4 * i + 1));
  CHECK_FALSE(set.add(4000, 4001));
  CHECK(set.end() == 4 * (range_set::max_intervals - 1) + 1);
  CHECK(set.add(1, 4));
  CHECK(set.add(4000, 4001));
}
