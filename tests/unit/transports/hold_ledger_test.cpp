#include "channel/hold_ledger.hpp"

#include <ctime>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include "support/loop.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace std::chrono_literals;

namespace {

struct fixture {
  fixture() {
    config.window_bytes = 80000;
    config.share_bytes = 20000;
    ledger = std::make_shared<hold_ledger>(config);
  }
  /// An account of a channel that is not looked at.
  std::unique_ptr<hold_account> account() {
    return std::make_unique<hold_account>(ledger, *reinterpret_cast<channel_state*>(this));
  }
  std::size_t window() { return ledger->window(80000, clock::now()); }

  asio::io_context context{1};
  test::manual_clock time{context};
  hold_config config;
  std::shared_ptr<hold_ledger> ledger;
};

std::int64_t processor_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

TEST_CASE("the window is smaller by what is held, and never larger than SCTP's own room") {
  fixture f;
  auto a = f.account();
  CHECK(f.window() == 80000);
  a->add(30000);
  CHECK(f.window() == 50000);
  CHECK(f.ledger->window(20000, clock::now()) == 0);  // 60 000 wait in SCTP's own buffer
  a->remove(30000, true);
  CHECK(f.window() == 80000);
}

TEST_CASE("a window that is used up grows by its own size in one hold limit, up to less than its double") {
  fixture f;
  auto a = f.account();
  a->add(80000);
  CHECK(f.window() == 0);
  f.time.advance(3s);
  CHECK(f.window() == 8000);
  a->add(8000);
  CHECK(f.window() == 0);
  f.time.advance(300s);
  CHECK(f.window() == 62000);
  CHECK_FALSE(f.ledger->beyond_all_bounds());
}

TEST_CASE("a channel within its share holds it for ever, one beyond it for the hold limit since the last was taken") {
  fixture f;
  auto within = f.account();
  auto beyond = f.account();
  within->add(20000);
  CHECK(f.ledger->next_deadline() == no_deadline);
  beyond->add(20001);
  const auto first = clock::now();
  CHECK(f.ledger->next_deadline() == first + 30s);
  f.time.advance(29s);
  beyond->remove(1, true);
  beyond->add(1);
  CHECK(f.ledger->overdue(first + 30s) == nullptr);
  CHECK(f.ledger->next_deadline() == first + 59s);
  CHECK(f.ledger->overdue(first + 59s) == beyond.get());
  beyond->clear();
  CHECK(f.ledger->next_deadline() == no_deadline);
}

TEST_CASE("when many channels within their shares use up the window, the fullest is overdue in the end") {
  fixture f;
  std::vector<std::unique_ptr<hold_account>> all;
  for (std::size_t i = 0; i < 8; ++i) all.push_back(f.account());
  for (std::size_t i = 0; i < 8; ++i) all[i]->add(i == 5 ? 9500 : 9000);
  CHECK(f.ledger->tight());
  const auto due = clock::now() + 30s;
  CHECK(f.ledger->next_deadline() == due);
  CHECK(f.ledger->overdue(due) == all[5].get());
  all[5]->clear();
  CHECK_FALSE(f.ledger->tight());
  CHECK(f.ledger->overdue(due) == nullptr);
}

TEST_CASE("while the fullest channel is read from, slowly, the window follows the reader and does not grow") {
  fixture f;
  auto a = f.account();
  a->add(80000);
  a->remove(1000, true);
  a->add(1000);
  for (int i = 0; i < 100; ++i) {
    f.time.advance(500ms);
    a->remove(1000, true);
    CHECK(f.window() == 1000);
    a->add(1000);
  }
}

TEST_CASE("beyond twice the window the fullest channel is overdue at once") {
  fixture f;
  auto a = f.account();
  auto b = f.account();
  a->add(70000);
  b->add(91000);
  CHECK(f.ledger->beyond_all_bounds());
  CHECK(f.ledger->overdue(clock::now()) == b.get());
}

TEST_CASE("an account that is destroyed holds nothing any more") {
  fixture f;
  auto a = f.account();
  a->add(70001);
  CHECK(f.ledger->tight());
  a.reset();
  CHECK(f.ledger->held_bytes() == 0);
  CHECK(f.ledger->overdue(clock::now() + 1h) == nullptr);
}

TEST_CASE("a channel whose user still works on what it took is not overdue, and the window grows for its siblings meanwhile") {
  fixture f;
  auto a = f.account();
  a->add(80000);
  a->remove(1000, true);
  a->add(1000);
  for (int i = 0; i < 120; ++i) {
    f.time.advance(500ms);
    a->in_use(clock::now());
    CHECK(f.ledger->overdue(clock::now()) == nullptr);
  }
  CHECK(f.ledger->next_deadline() == clock::now() + 30s);
  CHECK(f.window() > 60000);
  f.time.advance(30s);
  CHECK(f.ledger->overdue(clock::now()) == a.get());
}

TEST_CASE("whatever many accounts hold, the fullest and the next deadline are those that a look at each would find") {
  fixture f;
  f.config.window_bytes = 400000;
  f.ledger = std::make_shared<hold_ledger>(f.config);
  std::mt19937 random(7);
  std::vector<std::unique_ptr<hold_account>> all;
  std::vector<clock::time_point> over(20), taken(20);
  for (std::size_t i = 0; i < 20; ++i) all.push_back(f.account());
  for (int step = 0; step < 3000; ++step) {
    f.time.advance(std::chrono::milliseconds(random() % 50));
    const auto i = random() % all.size();
    auto& one = *all[i];
    const auto before = one.bytes();
    if (random() % 2 == 0) {
      one.add(random() % 9000);
      if (before <= 20000 && one.bytes() > 20000) over[i] = clock::now();
    } else if (random() % 20 == 0) {
      one.clear();
    } else {
      one.remove(random() % 9000, true);
      if (one.bytes() != before) taken[i] = clock::now();
    }
    if (f.ledger->tight()) continue;  // the fullest one's limit is another test's
    auto next = no_deadline;
    std::size_t held = 0;
    for (std::size_t n = 0; n < all.size(); ++n) {
      held += all[n]->bytes();
      if (all[n]->bytes() > 20000) next = std::min(next, std::max(over[n], taken[n]) + clock::duration(30s));
    }
    REQUIRE(f.ledger->held_bytes() == held);
    REQUIRE(f.ledger->next_deadline() == next);
    const auto* const due = f.ledger->overdue(clock::now());
    REQUIRE((due != nullptr) == (next <= clock::now()));
  }
}

TEST_CASE("what a message costs does not grow with the number of channels that hold something") {
  // Of this thread's processor time, the least of several rounds: another load on the machine does not count.
  const auto cost_of = [](std::size_t accounts) {
    fixture f;
    f.config.window_bytes = 16 << 20;
    f.config.share_bytes = 1 << 20;
    f.ledger = std::make_shared<hold_ledger>(f.config);
    std::vector<std::unique_ptr<hold_account>> all;
    for (std::size_t i = 0; i < accounts; ++i) all.push_back(f.account());
    for (auto& one : all) one->add(65);
    auto least = std::numeric_limits<std::int64_t>::max();
    deadline next = no_deadline;
    for (int round = 0; round < 20; ++round) {
      const auto start = processor_time();
      for (int i = 0; i < 200; ++i) {
        all[static_cast<std::size_t>(i) % accounts]->add(65);
        next = std::min(next, f.ledger->next_deadline());
      }
      least = std::min(least, processor_time() - start);
    }
    CHECK(next == no_deadline);
    return least;
  };
  const auto few = cost_of(2);
  const auto many = cost_of(4096);
  CAPTURE(few, many);
  CHECK(many < 50 * few);
}
