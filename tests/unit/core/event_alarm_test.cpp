#include "agw/core/event_alarm.hpp"

#include <optional>

#include <boost/asio/co_spawn.hpp>

#include <catch2/catch.hpp>

#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

struct waiter {
  waiter() {
    asio::co_spawn(
        context, [this]() -> awaitable<void> {
          for (;;) {
            co_await rings.wait();
            ++woken;
          }
        },
        [](std::exception_ptr) {});
    time.settle();
  }

  asio::io_context context{1};
  test::manual_clock time{context};
  event rings;
  int woken = 0;
};

}  // namespace

TEST_CASE("an alarm wakes who waits for the event, once, when its time has come") {
  waiter w;
  event_alarm a(w.context.get_executor(), w.rings);
  a.set(clock::now() + 10s);
  w.time.advance(9s);
  CHECK(w.woken == 0);
  w.time.advance(1s);
  CHECK(w.woken == 1);
  w.time.advance(60s);
  CHECK(w.woken == 1);
  a.set(clock::now() + 1s);
  w.time.advance(1s);
  CHECK(w.woken == 2);
}

TEST_CASE("the time that an alarm was set to last counts") {
  waiter w;
  event_alarm a(w.context.get_executor(), w.rings);
  a.set(clock::now() + 10s);
  a.set(clock::now() + 20s);
  w.time.advance(15s);
  CHECK(w.woken == 0);
  a.set(clock::now() + 1s);
  w.time.advance(1s);
  CHECK(w.woken == 1);
  a.set(clock::now() + 1s);
  a.set(no_deadline);
  w.time.advance(60s);
  CHECK(w.woken == 1);
}

TEST_CASE("an alarm that is gone wakes nobody") {
  waiter w;
  std::optional<event_alarm> a;
  a.emplace(w.context.get_executor(), w.rings);
  a->set(clock::now() + 1s);
  a.reset();
  w.time.advance(60s);
  CHECK(w.woken == 0);
}
