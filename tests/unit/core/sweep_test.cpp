#include "agw/core/sweep.hpp"

#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;

TEST_CASE("each entry is looked at once a second, and not all at the same moment") {
  asio::io_context context{1};
  test::manual_clock time{context};
  std::vector<std::unique_ptr<sweep_entry>> entries;
  std::vector<int> looks(20);
  int most_at_once = 0;
  int now = 0;
  for (std::size_t i = 0; i < looks.size(); ++i) {
    entries.push_back(std::make_unique<sweep_entry>(context.get_executor(), [&looks, &now, i] {
      ++looks[i];
      ++now;
      return 1s;
    }));
    time.advance(50ms);
  }
  std::fill(looks.begin(), looks.end(), 0);
  for (int i = 0; i < 50; ++i) {
    now = 0;
    time.advance(100ms);
    most_at_once = std::max(most_at_once, now);
  }
  CHECK(looks == std::vector<int>(20, 5));
  CHECK(most_at_once == 2);
}

TEST_CASE("an entry is not looked at before a second has passed, nor after its end") {
  asio::io_context context{1};
  test::manual_clock time{context};
  int looks = 0;
  std::optional<sweep_entry> entry;
  entry.emplace(context.get_executor(), [&] { return ++looks, 1s; });
  for (int i = 0; i < 9; ++i) time.advance(100ms);
  CHECK(looks == 0);
  time.advance(100ms);
  CHECK(looks == 1);
  entry.reset();
  time.advance(5s);
  CHECK(looks == 1);
  entry.emplace(context.get_executor(), [&] { return ++looks, 1s; });
  time.advance(1s);  // at once
  CHECK(looks == 2);
}

TEST_CASE("an entry is looked at when it asked for it, and sooner when it is told to") {
  asio::io_context context{1};
  test::manual_clock time{context};
  int looks = 0;
  std::chrono::seconds then = 4s;
  sweep_entry entry(context.get_executor(), [&] { return ++looks, then; });
  const auto pass = [&](std::chrono::milliseconds how_long) {
    for (auto left = how_long; left > 0ms; left -= 100ms) time.advance(100ms);
  };
  pass(1s);
  CHECK(looks == 1);
  pass(3900ms);
  CHECK(looks == 1);
  pass(100ms);
  CHECK(looks == 2);
  then = 1h;  // fifteen seconds at most
  entry.soon();
  pass(900ms);
  entry.soon();  // puts nothing off
  CHECK(looks == 2);
  pass(100ms);
  CHECK(looks == 3);
  pass(14900ms);
  CHECK(looks == 3);
  then = 0s;  // and one at least
  pass(100ms);
  CHECK(looks == 4);
  pass(2s);
  CHECK(looks == 6);
}

TEST_CASE("a look may end other entries and make new ones") {
  asio::io_context context{1};
  test::manual_clock time{context};
  std::optional<sweep_entry> other, late;
  int looks = 0;
  sweep_entry first(context.get_executor(), [&] {
    other.reset();
    if (!late) late.emplace(context.get_executor(), [&] { return ++looks, 1s; });
    return 1s;
  });
  other.emplace(context.get_executor(), [&] {
    FAIL("it has ended");
    return 1s;
  });
  time.advance(1s);
  CHECK_FALSE(other);
  time.advance(1s);
  CHECK(looks == 1);
}

TEST_CASE("a loop whose entries are gone has nothing to wait for") {
  asio::io_context context{1};
  { const sweep_entry entry(context.get_executor(), [] { return 1s; }); }
  context.run();
}
