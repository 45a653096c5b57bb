#include <catch2/catch.hpp>

#include "agw/core/replaceable.hpp"

using namespace agw;

TEST_CASE("who has taken an object keeps it when there is a newer one") {
  replaceable<const int> held;
  CHECK(held.current() == nullptr);
  held = std::make_shared<const int>(1);
  const auto taken = held.current();
  held.replace(std::make_shared<const int>(2));
  CHECK(*taken == 1);
  CHECK(taken.use_count() == 1);
  CHECK(*held.current() == 2);
}

TEST_CASE("a copy is replaced by itself") {
  replaceable<const int> first(std::make_shared<const int>(1));
  replaceable<const int> copy(first);
  CHECK(copy.current() == first.current());
  copy.replace(std::make_shared<const int>(2));
  CHECK(*first.current() == 1);
}
