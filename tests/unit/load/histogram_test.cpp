#include "histogram.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::load;
using namespace std::chrono_literals;

namespace {

double error_of(clock::duration seen, clock::duration right) {
  return std::abs(static_cast<double>(seen.count() - right.count())) / static_cast<double>(right.count());
}

}  // namespace

TEST_CASE("an empty histogram says 0 everywhere") {
  const histogram h;
  CHECK(h.count() == 0);
  CHECK(h.min() == 0ns);
  CHECK(h.max() == 0ns);
  CHECK(h.mean() == 0ns);
  CHECK(h.quantile(0.99) == 0ns);
}

TEST_CASE("one value is every quantile of itself") {
  for (const clock::duration value : {clock::duration(1ns), clock::duration(63ns), clock::duration(64ns), clock::duration(1us), clock::duration(17ms), clock::duration(3s)}) {
    histogram h;
    h.record(value);
    CHECK(h.quantile(0) == value);
    CHECK(h.quantile(0.5) == value);
    CHECK(h.quantile(1) == value);
    CHECK(h.min() == value);
    CHECK(h.max() == value);
    CHECK(h.mean() == value);
  }
}

TEST_CASE("quantiles are right to within 1.6 %, whatever the size of the values") {
  for (const clock::duration unit : {clock::duration(100ns), clock::duration(1us), clock::duration(777us), clock::duration(1s)}) {
    histogram h;
    for (int i = 1; i <= 1000; ++i) h.record(unit * i);
    CHECK(error_of(h.quantile(0.5), unit * 500) < 0.016);
    CHECK(error_of(h.quantile(0.9), unit * 900) < 0.016);
    CHECK(error_of(h.quantile(0.99), unit * 990) < 0.016);
    CHECK(h.quantile(1) == unit * 1000);
    CHECK(error_of(h.mean(), unit * 1001 / 2) < 0.001);
  }
}

TEST_CASE("one late value among a thousand shows at p99.9 and not at p99") {
  histogram h;
  for (int i = 0; i < 998; ++i) h.record(1ms);
  h.record(2s);
  h.record(2s);
  CHECK(h.quantile(0.99) < 1100us);
  CHECK(h.quantile(0.999) > 1900ms);
}

TEST_CASE("adding histograms is recording all their values in one") {
  histogram one, two, both;
  for (int i = 1; i < 500; ++i) {
    (i % 3 == 0 ? one : two).record(i * 37us);
    both.record(i * 37us);
  }
  histogram sum;
  sum.add(one);
  sum.add(two);
  sum.add(histogram());
  CHECK(sum.count() == both.count());
  CHECK(sum.min() == both.min());
  CHECK(sum.max() == both.max());
  for (const auto q : {0.01, 0.5, 0.99}) CHECK(sum.quantile(q) == both.quantile(q));
}

TEST_CASE("what is out of range counts at its ends") {
  histogram h;
  h.record(-5ms);
  h.record(1000h);
  CHECK(h.count() == 2);
  CHECK(h.min() == 0ns);
  CHECK(h.max() > 73min);
  CHECK(h.quantile(1) == h.max());
}

TEST_CASE("values below a bound are counted") {
  histogram h;
  for (int i = 1; i <= 100; ++i) h.record(i * 1ms);
  CHECK(h.below(1us) == 0);
  CHECK(h.below(1s) == 100);
  CHECK(h.below(50ms) >= 47);
  CHECK(h.below(50ms) <= 50);
}
