#include "channel/hold_ledger.hpp"

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
