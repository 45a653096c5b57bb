#include "agw/core/until.hpp"

#include <memory>
#include <stdexcept>
#include <string>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

#include "agw/core/event.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

// One operation under a deadline of ten seconds, on a clock that the test moves.
struct fixture {
  // What became of the wait: "value 7", "nothing", "threw …"; empty while it lasts.
  template <class F>
  void start(F wait) {
    auto body = [this, wait]() -> awaitable<void> {
      try {
        outcome = co_await wait(*this);
      } catch (const system_error& e) {
        outcome = e.code() == asio::error::operation_aborted ? "cancelled" : e.code() == core_error::timed_out ? "timed out" : "threw";
      } catch (const std::exception& e) {
        outcome = std::string("threw ") + e.what();
      }
    };
    asio::co_spawn(context, std::move(body), asio::bind_cancellation_slot(cancel.slot(), [](std::exception_ptr) {}));
    time.settle();
  }

  awaitable<int> number() {
    co_await go.wait();
    if (failure) std::rethrow_exception(failure);
    co_return 7;
  }
  awaitable<void> nothing() {
    co_await go.wait();
    if (failure) std::rethrow_exception(failure);
  }

  asio::io_context context{1};
  test::manual_clock time{context};
  deadline by = deadline_after(10s);
  event go;
  std::exception_ptr failure;
  asio::cancellation_signal cancel;
  std::string outcome;
};

awaitable<std::string> number_within(fixture& f) {
  auto wait = within(f.by, f.number());
  const std::optional<int> value = co_await std::move(wait);
  co_return value ? "value " + std::to_string(*value) : "nothing";
}
awaitable<std::string> nothing_within(fixture& f) {
  auto wait = within(f.by, f.nothing());
  const bool done = co_await std::move(wait);
  co_return done ? "true" : "false";
}
awaitable<std::string> number_until(fixture& f) {
  auto wait = until(f.by, f.number());
  const int value = co_await std::move(wait);
  co_return "value " + std::to_string(value);
}

}  // namespace

TEST_CASE_METHOD(fixture, "within yields the value that comes before the deadline") {
  start(number_within);
  time.advance(9s);
  CHECK(outcome.empty());
  go.set();
  time.settle();
  CHECK(outcome == "value 7");
}

TEST_CASE_METHOD(fixture, "within of nothing is true when it comes before the deadline") {
  start(nothing_within);
  go.set();
  time.settle();
  CHECK(outcome == "true");
}

TEST_CASE_METHOD(fixture, "within yields nothing, or false, when the deadline passes, and the operation has ended by then") {
  start(number_within);
  time.advance(9s);
  CHECK(outcome.empty());
  time.advance(1s);
  CHECK(outcome == "nothing");
  go.set();
  CHECK(go.is_set());  // nobody waits any more
  go.reset();
  by = deadline_after(10s);
  start(nothing_within);
  time.advance(10s);
  CHECK(outcome == "false");
}

TEST_CASE_METHOD(fixture, "within throws the operation's own errors") {
  failure = std::make_exception_ptr(std::runtime_error("broken"));
  start(number_within);
  go.set();
  time.settle();
  CHECK(outcome == "threw broken");
}

TEST_CASE_METHOD(fixture, "within throws a timed_out of the operation's own that comes before the deadline") {
  failure = std::make_exception_ptr(system_error(make_error_code(core_error::timed_out)));
  start(nothing_within);
  go.set();
  time.settle();
  CHECK(outcome == "timed out");
}

TEST_CASE_METHOD(fixture, "a cancel ends the wait with operation_aborted, and is not taken for the deadline") {
  start(number_within);
  cancel.emit(asio::cancellation_type::terminal);
  time.settle();
  CHECK(outcome == "cancelled");
}

TEST_CASE_METHOD(fixture, "without a deadline within waits for as long as it takes") {
  by = no_deadline;
  start(number_within);
  time.advance(1000h);
  CHECK(outcome.empty());
  go.set();
  time.settle();
  CHECK(outcome == "value 7");
}

TEST_CASE_METHOD(fixture, "until throws timed_out when the deadline passes") {
  start(number_until);
  time.advance(10s);
  CHECK(outcome == "timed out");
}

TEST_CASE_METHOD(fixture, "a value that comes together with the deadline wins") {
  start(number_until);
  go.set();
  clock::manual_now += clock::duration(20s).count();
  time.advance(0s);
  CHECK(outcome == "value 7");
}
