#include "agw/transports/connection_quota.hpp"

#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using namespace agw;

TEST_CASE("a quota gives as many shares as it has, and what is given back again") {
  connection_quota all(2);
  auto first = all.take();
  auto second = all.take();
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE_FALSE(all.take());
  auto moved = std::move(*first);
  REQUIRE(first->empty());
  REQUIRE_FALSE(moved.empty());
  REQUIRE_FALSE(all.take());
  moved = std::move(*second);
  REQUIRE(all.taken() == 1);
  REQUIRE(all.take());
  moved = connection_quota::share();
  REQUIRE(all.taken() == 0);
}

TEST_CASE("threads take no more than the quota together") {
  connection_quota all(100);
  std::vector<std::vector<connection_quota::share>> held(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : held) {
      threads.emplace_back([&all, &mine] {
        for (int i = 0; i < 1000; ++i) {
          if (auto one = all.take()) mine.push_back(std::move(*one));
          if (i % 3 == 0) mine.clear();
        }
        while (auto one = all.take()) mine.push_back(std::move(*one));
      });
    }
  }
  REQUIRE(all.taken() == 100);
  std::size_t count = 0;
  for (const auto& mine : held) count += mine.size();
  REQUIRE(count == 100);
  held.clear();
  REQUIRE(all.taken() == 0);
}
