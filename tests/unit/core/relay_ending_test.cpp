#include "agw/core/relay_ending.hpp"

#include <catch2/catch.hpp>

#include "agw/core/error.hpp"

using namespace agw;
using namespace std::chrono_literals;
using flow = relay_ending::flow;

namespace {

const deadline begin{1000s};

std::exception_ptr error(std::string_view stage) { return std::make_exception_ptr(stage_error(stage, "reset")); }

std::string cause(const relay_ending& e) {
  try {
    if (e.error()) std::rethrow_exception(e.error());
  } catch (const stage_error& s) {
    return s.cause();
  }
  return "";
}

relay_ending::view seen(bool quiet, bool held = false, bool gated = false) {
  relay_ending::view out;
  out.quiet = quiet;
  out.held = held;
  out.gated = gated;
  return out;
}

}  // namespace

TEST_CASE("a side that closes ends the relay when the other one is quiet, or after the flush time") {
  for (const bool quiet : {true, false}) {
    relay_ending e("lines", 500ms);
    CHECK_FALSE(e.begun());
    e.ended(side::wic, flow::closed, nullptr, begin);
    CHECK(e.begun());
    CHECK_FALSE(e.over());
    CHECK(e.look_by() == begin + 500ms);
    e.look(seen(false, true), begin + 499ms);
    CHECK_FALSE(e.over());
    e.look(seen(quiet, !quiet), begin + (quiet ? 20ms : 500ms));
    CHECK(e.over());
    CHECK(e.closed_first() == side::wic);
    CHECK(cause(e) == "");
  }
}

TEST_CASE("a write that fails waits for the end of the side that takes nothing any more, and that decides") {
  struct outcome {
    flow how;
    std::optional<side> closed;
    std::string cause;
  };
  for (const auto& wanted : {outcome{flow::closed, side::wic, ""}, outcome{flow::failed, std::nullopt, "sctp:reset"}}) {
    relay_ending e("lines", 500ms);
    e.ended(side::core, flow::undeliverable, error("channel"), begin);
    e.look(seen(true), begin + 100ms);  // quiet is not enough: the end is still to be read
    CHECK_FALSE(e.over());
    e.ended(side::wic, wanted.how, wanted.how == flow::closed ? nullptr : error("sctp"), begin + 200ms);
    CHECK(e.over());
    CHECK(e.closed_first() == wanted.closed);
    CHECK(cause(e) == wanted.cause);
  }
}

TEST_CASE("when neither side takes anything any more, both have to close orderly, and in the flush time") {
  const auto begun = [] {
    relay_ending e("lines", 500ms);
    e.ended(side::core, flow::undeliverable, error("channel"), begin);
    CHECK_FALSE(e.nobody_takes());
    e.ended(side::wic, flow::undeliverable, error("tcp"), begin + 100ms);
    CHECK(e.nobody_takes());
    CHECK_FALSE(e.over());
    e.look(seen(true), begin + 120ms);
    CHECK_FALSE(e.over());
    e.ended(side::core, flow::closed, nullptr, begin + 200ms);
    CHECK_FALSE(e.over());
    return e;
  };
  {
    auto e = begun();
    e.ended(side::wic, flow::closed, nullptr, begin + 300ms);
    CHECK(e.over());
    CHECK(e.closed_first() == side::core);
    CHECK(cause(e) == "");
  }
  {
    auto e = begun();
    e.ended(side::wic, flow::failed, error("sctp"), begin + 300ms);
    CHECK(e.over());
    CHECK_FALSE(e.closed_first());
    CHECK(cause(e) == "sctp:reset");
  }
  {
    auto e = begun();
    e.look(seen(false, true), begin + 600ms);
    CHECK(e.over());
    CHECK(cause(e) == "channel:reset");
  }
}

TEST_CASE("what cannot be passed on in the flush time is an error that says so, and time behind the gate does not count") {
  relay_ending e("lines", 500ms);
  e.ended(side::core, flow::undeliverable, error("channel"), begin);
  e.look(seen(false, true, true), begin + 499ms);
  e.look(seen(false, true), begin + 998ms);
  CHECK_FALSE(e.over());
  e.look(seen(false, true), begin + 999ms);
  CHECK(e.over());
  CHECK(cause(e) == "lines:timeout");
}

TEST_CASE("a side that takes nothing and says nothing any more ends the relay with the write's error") {
  relay_ending e("lines", 500ms);
  e.ended(side::wic, flow::undeliverable, error("tcp"), begin);
  e.look(seen(true), begin + 500ms);
  CHECK(cause(e) == "tcp:reset");
}

TEST_CASE("what fails after an orderly close is no error, and before it is one at once") {
  {
    relay_ending e("lines", 500ms);
    e.ended(side::core, flow::closed, nullptr, begin);
    e.ended(side::wic, flow::undeliverable, error("tcp"), begin);
    CHECK(e.over());
    CHECK(e.closed_first() == side::core);
    CHECK(cause(e) == "");
  }
  {
    relay_ending e("lines", 500ms);
    e.ended(side::core, flow::closed, nullptr, begin);
    e.ended(side::wic, flow::failed, error("sctp"), begin);
    CHECK(e.over());
    CHECK(cause(e) == "");
  }
  {
    relay_ending e("lines", 500ms);
    e.ended(side::core, flow::failed, error("tcp"), begin);
    CHECK(e.over());
    CHECK(cause(e) == "tcp:reset");
    CHECK_FALSE(e.closed_first());
  }
}

TEST_CASE("finish ends the relay when both sides are quiet, and a close before that is still told") {
  {
    relay_ending e("lines", 500ms);
    e.finish();
    CHECK(e.look_by() == no_deadline);
    e.look(seen(false), begin + 24h);
    CHECK_FALSE(e.over());
    e.look(seen(true), begin + 25h);
    CHECK(e.over());
    CHECK_FALSE(e.closed_first());
    CHECK(cause(e) == "");
  }
  {
    relay_ending e("lines", 500ms);
    e.finish();
    e.ended(side::wic, flow::closed, nullptr, begin);
    e.look(seen(true), begin + 20ms);
    CHECK(e.closed_first() == side::wic);
  }
  for (const bool gated : {true, false}) {  // behind the gate the side may have closed orderly
    relay_ending e("lines", 500ms);
    e.ended(side::core, flow::undeliverable, error("channel"), begin);
    e.finish();
    e.look(seen(true, false, gated), begin + 20ms);
    CHECK(e.over());
    CHECK(cause(e) == (gated ? "" : "channel:reset"));
  }
}
