#include "pacer.hpp"

#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "knee_search.hpp"
#include "outbox.hpp"

using namespace agw;
using namespace agw::load;
using namespace std::chrono_literals;

namespace {
const clock::time_point start(1000s);
}

TEST_CASE("intended times do not depend on when they are taken") {
  pacer late(start, start + 1s, 10);
  std::vector<clock::time_point> taken;
  CHECK_FALSE(late.take(start - 1ms));
  // Held up for half a second: all that was due is still meant for its own time.
  while (const auto at = late.take(start + 450ms)) taken.push_back(*at);
  REQUIRE(taken.size() == 5);
  for (std::size_t i = 0; i < taken.size(); ++i) CHECK(taken[i] == start + i * 100ms);
  CHECK(late.next() == start + 500ms);
}

TEST_CASE("there are as many as the rate says, and none at the end") {
  for (const double rate : {1.0, 3.0, 7.0, 333.3, 12345.6}) {
    pacer p(start, start + 10s, rate);
    std::uint64_t n = 0;
    clock::time_point last{};
    while (const auto at = p.take(start + 100s)) {
      CHECK(*at < start + 10s);
      last = *at;
      ++n;
    }
    CHECK(n == static_cast<std::uint64_t>(std::ceil(rate * 10)));
    CHECK(last >= start + 10s - std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / rate) + 1));
    CHECK_FALSE(p.next());
  }
}

TEST_CASE("shares of a sequence are the whole sequence, each time once") {
  std::vector<clock::time_point> together, whole;
  pacer all(start, start + 1s, 100);
  while (const auto at = all.take(start + 1s)) whole.push_back(*at);
  std::vector<pacer> shares;
  for (std::uint64_t i = 0; i < 3; ++i) shares.emplace_back(start, start + 1s, 100, i, 3);
  for (std::uint64_t i = 0; i < whole.size(); ++i) {
    auto& share = shares[i % 3];
    CHECK(share.number() == i);
    const auto at = share.take(start + 1s);
    REQUIRE(at);
    together.push_back(*at);
  }
  CHECK(together == whole);
  for (const auto& share : shares) CHECK_FALSE(share.next());
}

TEST_CASE("a long sequence does not drift") {
  pacer p(start, no_deadline, 3);
  for (int i = 0; i < 3'000'000; ++i) p.advance();
  REQUIRE(p.next());
  CHECK(std::chrono::abs(*p.next() - (start + 1'000'000s)) < 1us);
}

TEST_CASE("an outbox keeps intended times in their order, and no more than it may") {
  outbox box;
  CHECK(box.idle(start));
  CHECK(box.push(start + 1s));
  CHECK(box.push(start + 2s));
  CHECK_FALSE(box.idle(start));
  CHECK(box.take(start + 5s) == start + 1s);
  CHECK(box.take(start + 5s) == start + 2s);
  CHECK_FALSE(box.take(start + 5s));
  for (std::size_t i = 0; i < outbox::most_waiting; ++i) REQUIRE(box.push(start));
  CHECK_FALSE(box.push(start));
}

TEST_CASE("an outbox without waiting messages sends until a point in time") {
  outbox box;
  box.send_until(start + 1s);
  CHECK(box.take(start) == start);
  CHECK(box.take(start + 999ms) == start + 999ms);
  CHECK_FALSE(box.idle(start + 999ms));
  CHECK_FALSE(box.take(start + 1s));
  CHECK(box.idle(start + 1s));
}

namespace {

struct found {
  std::optional<double> knee;
  int steps = 0;
};

found search_for(double knee, double first, double precision) {
  knee_search search(first, precision);
  found out;
  while (const auto rate = search.next()) {
    search.judge(*rate <= knee);
    REQUIRE(++out.steps < 100);
  }
  out.knee = search.knee();
  return out;
}

}  // namespace

TEST_CASE("the knee is found from below and from above, to within the precision") {
  for (const double knee : {3.0, 99.0, 1000.0, 54321.0}) {
    for (const double first : {1.0, 50.0, 1000.0, 1e6}) {
      const auto out = search_for(knee, first, 0.05);
      REQUIRE(out.knee);
      CHECK(*out.knee <= knee);
      CHECK(*out.knee * 1.05 >= knee);
      CHECK(out.steps < 40);
    }
  }
}

TEST_CASE("where not even the lowest rate is good there is no knee") {
  const auto out = search_for(0.1, 100, 0.05);
  CHECK_FALSE(out.knee);
  CHECK(out.steps <= 8);
}
