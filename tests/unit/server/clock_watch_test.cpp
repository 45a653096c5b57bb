#include "clock_watch.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::server;
using namespace std::chrono_literals;

namespace {
constexpr clock::time_point start{1h};
const clock_steps::wall::time_point noon{480'000h};
}  // namespace

TEST_CASE("a clock that goes on with the time was not set, whenever it is looked at") {
  clock_steps s;
  CHECK_FALSE(s.look(start, noon));
  CHECK_FALSE(s.look(start + 1s, noon + 1s));
  CHECK_FALSE(s.look(start + 40s, noon + 40s));
  CHECK_FALSE(s.look(start + 41s, noon + 41999ms));  // slewed
  CHECK_FALSE(s.look(start + 42s, noon + 42s));
}

TEST_CASE("a step is told once, forward and back") {
  clock_steps s;
  CHECK_FALSE(s.look(start, noon));
  CHECK(s.look(start + 1s, noon + 1h + 1s) == 1h);
  CHECK_FALSE(s.look(start + 2s, noon + 1h + 2s));
  CHECK(s.look(start + 3s, noon + 3s) == -1h);
  CHECK(s.look(start + 5s, noon + 6s) == 1s);
  CHECK_FALSE(s.look(start + 6s, noon + 7s));
}
