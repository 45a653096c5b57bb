#include "mgc.hpp"

#include <catch2/catch.hpp>

#include "house.hpp"

using namespace agw;
using namespace agw::controller;
using namespace agw::controller::test;
using namespace std::chrono_literals;
using h248::change_method;

namespace {

// A call that notes what it is told.
struct noting_call final : call_control {
  void on_notify(const h248::command&) override { ++notified; }
  void on_traced(const traced_message& m) override { traced.push_back(m); }
  void on_gateway_over() override { ++over; }
  void on_gateway_back() override { ++back; }
  int notified = 0, over = 0, back = 0;
  std::vector<traced_message> traced;
};

void compose_add(composed& what, const char* summary) {
  what.summary = summary;
  auto& a = what.actions.emplace_back();
  a.context = h248::context_id::choose();
  auto& c = a.commands.emplace_back();
  c.kind = h248::command_kind::add;
  c.terminations.push_back(h248::termination_id{"ip/1/core/$"});
}

// Places a call and makes its context.
std::optional<result<h248::incoming_reply>> add(house& h, call_place& where, composed& what) {
  auto outcome = std::make_shared<std::optional<result<h248::incoming_reply>>>();
  auto ask = [&h, &where, &what, outcome]() -> awaitable<void> {
    auto asking = h.control.request(where, what);
    outcome->emplace(co_await std::move(asking));
  };
  h.spawn(std::move(ask));
  h.time.settle();
  return std::move(*outcome);
}

}  // namespace

TEST_CASE("a gateway that is not registered notifies nothing") {
  house h;
  auto& g = h.gateway("10.0.0.11", "mg1");
  h.notify(g, 1, "ip/1/core/1", "g/cause", 1, {});
  CHECK(g.notified == 504);
  REQUIRE(h.change(g, change_method::restart) == 0);
  h.notify(g, 1, "ip/1/core/1", "g/cause", 1, {});
  CHECK(g.notified == 0);
  h.change(g, change_method::forced);
  h.notify(g, 1, "ip/1/core/1", "g/cause", 1, {});
  CHECK(g.notified == 504);
}

TEST_CASE("one request that cannot start does not shift the traces of those that follow") {
  h248::endpoint_config config;
  config.transactions.max_requests = 1;
  house h({}, {}, std::move(config));
  auto& g = h.registered("10.0.0.11", "mg1");
  event go;
  g.before = [&](const h248::incoming_request&) -> awaitable<void> { co_await go.wait(); };
  noting_call a, b, c;
  call_place at_a, at_b, at_c;
  composed first, refused, third;
  compose_add(first, "the first");
  compose_add(refused, "never sent");
  compose_add(third, "the third");
  REQUIRE((h.control.place(at_a, a) && h.control.place(at_b, b) && h.control.place(at_c, c)));
  CHECK_FALSE(add(h, at_a, first));
  const auto none = add(h, at_b, refused);
  REQUIRE(none);
  CHECK(none->error() == h248::make_error_code(h248::errc::too_many_requests));
  go.set();
  h.time.settle();
  g.before = nullptr;
  REQUIRE(add(h, at_c, third));
  CHECK(b.traced.empty());
  REQUIRE(a.traced.size() >= 2);
  REQUIRE(c.traced.size() >= 2);
  CHECK(a.traced[0].summary == "the first");
  CHECK(c.traced[0].summary == "the third");
  CHECK(at_a.context() == h248::context_id{1});
  CHECK(at_c.context() == h248::context_id{2});
}

TEST_CASE("a call of a life that is over has no requests any more, and its successor is not asked") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  noting_call a;
  call_place at;
  composed what;
  compose_add(what, "Add");
  REQUIRE(h.control.place(at, a));
  REQUIRE(add(h, at, what));
  h.change(g, change_method::restart);
  CHECK(a.over == 1);
  const auto asked = g.requests;
  composed again;
  compose_add(again, "Add");
  const auto outcome = add(h, at, again);
  REQUIRE(outcome);
  CHECK(outcome->error() == h248::make_error_code(h248::errc::disconnected));
  CHECK(g.requests == asked);
  h.notify(g, 1, "ip/1/core/1", "g/cause", 1, {});
  CHECK(a.notified == 0);
}

TEST_CASE("a place that is left gives context, call and traces free") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  noting_call a;
  {
    call_place at;
    composed what;
    compose_add(what, "Add");
    REQUIRE(h.control.place(at, a));
    REQUIRE(add(h, at, what));
    h.notify(g, 1, "ip/1/core/1", "g/cause", 1, {});
    CHECK(a.notified == 1);
  }
  const auto traced = a.traced.size();
  h.notify(g, 1, "ip/1/core/1", "g/cause", 1, {});
  CHECK(a.notified == 1);
  CHECK(a.traced.size() == traced);
  CHECK(h.control.gateways().choose()->calls.empty());
}

TEST_CASE("a gateway under a new address is asked there") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  noting_call a;
  call_place at;
  composed what;
  compose_add(what, "Add");
  REQUIRE(h.control.place(at, a));
  // The same gateway elsewhere: the old place does not answer any more.
  h.network.cut_off.insert(g.address.host);
  auto& moved = h.gateway("10.0.0.21", "mg1");
  CHECK(h.change(moved, change_method::disconnected) == 504);
  for (int i = 0; i < 4; ++i) h.time.advance(1s);
  CHECK(a.over == 1);  // it was given up meanwhile
  CHECK(h.change(moved, change_method::disconnected) == 0);
  call_place again;
  REQUIRE(h.control.place(again, a));
  REQUIRE(add(h, again, what));
  CHECK(moved.contexts.size() == 1);
}
