#include "agw/core/event.hpp"

#include <optional>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "support/choices.hpp"

using namespace agw;

namespace {

/// One wait at a time, on a loop that the test turns.
struct fixture {
  enum class outcome { none, woken, cancelled, failed };

  void start(awaitable<void> wait) {
    ended = outcome::none;
    signal.emplace();
    asio::co_spawn(loop, note(std::move(wait)), asio::bind_cancellation_slot(signal->slot(), [](std::exception_ptr) {}));
  }
  awaitable<void> note(awaitable<void> wait) {
    try {
      co_await std::move(wait);
      ended = outcome::woken;
    } catch (const system_error& error) {
      ended = error.code() == asio::error::operation_aborted ? outcome::cancelled : outcome::failed;
    }
  }
  void turn() {
    loop.restart();
    loop.poll();
  }
  void cancel() { signal->emit(asio::cancellation_type::terminal); }

  asio::io_context loop{1};
  event e;
  std::optional<asio::cancellation_signal> signal;
  outcome ended = outcome::none;
};

using outcome = fixture::outcome;

}  // namespace

TEST_CASE_METHOD(fixture, "a set before the wait is remembered once") {
  e.set();
  e.set();
  start(e.wait());
  turn();
  CHECK(ended == outcome::woken);
  start(e.wait());
  turn();
  CHECK(ended == outcome::none);
  e.set();
  CHECK(ended == outcome::none);  // not inside set()
  turn();
  CHECK(ended == outcome::woken);
}

TEST_CASE_METHOD(fixture, "what is set between wait() and its co_await wakes") {
  auto wait = e.wait();
  e.set();
  start(std::move(wait));
  turn();
  CHECK(ended == outcome::woken);
  CHECK_FALSE(e.is_set());
}

TEST_CASE_METHOD(fixture, "what is reset between wait() and its co_await does not wake") {
  e.set();
  auto wait = e.wait();
  e.reset();
  start(std::move(wait));
  turn();
  CHECK(ended == outcome::none);
  e.set();
  turn();
  CHECK(ended == outcome::woken);
}

TEST_CASE_METHOD(fixture, "a wait that never begins takes no set") {
  e.set();
  { auto unused = e.wait(); }
  CHECK(e.is_set());
}

TEST_CASE_METHOD(fixture, "settle() yields a cancel as a value, and the coroutine can go on") {
  bool went_on = false;
  auto body = [&]() -> awaitable<void> {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto [first] = co_await e.settle();
    REQUIRE(first == asio::error::operation_aborted);
    const auto [second] = co_await e.settle();
    REQUIRE_FALSE(second);
    went_on = true;
  };
  start(body());
  turn();
  cancel();
  turn();
  CHECK_FALSE(went_on);
  e.set();
  turn();
  CHECK(went_on);
}

// Against a model: an event is a flag that a wait takes, and what comes first, set or cancel, ends the wait. Several happen in one turn of the loop.
TEST_CASE_METHOD(fixture, "sets, resets and cancels in any order, and waits between them", "[seeded]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    test::choices choose(seed);
    e.reset();
    bool flag = false;
    for (int round = 0; round < 30; ++round) {
      start(e.wait());
      turn();
      bool waits = !std::exchange(flag, false);
      auto expected = waits ? outcome::none : outcome::woken;
      REQUIRE(ended == expected);
      const auto ends = [&](outcome how) {
        if (std::exchange(waits, false)) expected = how;
      };
      const auto one = [&] {
        switch (choose.below(3)) {
          case 0:
            flag = flag || !waits;
            ends(outcome::woken);
            return e.set();
          case 1: flag = false; return e.reset();
          default: ends(outcome::cancelled); return cancel();
        }
      };
      asio::post(loop, [&] {
        for (auto left = choose.below(5); left > 0; --left) one();
        if (waits) cancel();  // the round ends
        ends(outcome::cancelled);
      });
      turn();
      REQUIRE(ended == expected);
    }
  }
}
