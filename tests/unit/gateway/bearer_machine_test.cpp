// Sequences of what happens to a bearer, those among them where two inputs cross.
#include "bearer_machine.hpp"

#include <catch2/catch.hpp>

using namespace agw::gateway;

namespace {

using phase = bearer_phase;
using step = bearer_step;

constexpr bearer_facts nothing{};
constexpr bearer_facts dials{.remote = true, .active = true};
constexpr bearer_facts listens{.remote = true};
constexpr bearer_facts secures{.remote = true, .active = true, .tls = true};

bearer_machine established_bearer() {
  bearer_machine m;
  CHECK(m.next(dials) == step::dial);
  m.done();
  CHECK(m.next(dials) == step::serve);
  CHECK(m.established());
  return m;
}

}  // namespace

TEST_CASE("TCP waits for Remote, and then the roles decide") {
  const bool active = GENERATE(true, false);
  const auto facts = active ? dials : listens;
  bearer_machine m;
  CHECK(m.begins());
  CHECK(m.next(nothing) == step::wait);
  CHECK(m.next(facts) == (active ? step::dial : step::accept));
  CHECK(m.phase() == phase::connecting);
  m.done();
  CHECK(m.phase() == phase::connected);
  CHECK(m.next(facts) == step::serve);
  CHECK(m.established());
}

TEST_CASE("TLS follows TCP, and each waits for its own order") {
  bearer_machine m;
  m.set_orders({{layer::tcp, true}, {layer::tls, true}});
  CHECK(m.next(secures) == step::wait);
  CHECK_FALSE(m.order(layer::tcp));
  CHECK(m.next(secures) == step::dial);
  m.done();
  CHECK(m.next(secures) == step::wait);
  CHECK(m.phase() == phase::connected);
  CHECK_FALSE(m.order(layer::tls));
  CHECK(m.next(secures) == step::secure);
  m.done();
  CHECK(m.established());
  CHECK(m.next(secures) == step::serve);
}

TEST_CASE("an order that comes before a layer waits counts, the interlinked end's too") {
  bearer_machine m;
  SECTION("the controller's") { m.order(layer::tcp); }
  SECTION("the other end's") { m.order_all(); }
  m.set_orders({{layer::tcp, true}});
  CHECK(m.next(dials) == step::dial);
}

TEST_CASE("the end of a connection is told once, and only of one that was established") {
  bearer_machine m;
  CHECK_FALSE(m.die());
  CHECK(m.next(secures) == step::dial);
  CHECK_FALSE(m.die());
  m.done();
  CHECK(m.next(secures) == step::secure);
  CHECK_FALSE(m.die());
  m.done();
  CHECK(m.die());
  CHECK(m.phase() == phase::dead);
  CHECK_FALSE(m.die());
}

TEST_CASE("a bearer that did not come up is not begun again where it moves, one that had come up is") {
  bearer_machine m;
  CHECK(m.next(dials) == step::dial);
  m.fail();
  CHECK(m.phase() == phase::failed);
  CHECK_FALSE(m.begins());
  CHECK(m.next(dials) == step::wait);
  CHECK_FALSE(m.order(layer::tcp));
  auto up = established_bearer();
  up.fail();
  CHECK(up.established());
  CHECK(up.begins());
}

TEST_CASE("what is released by order comes back by the next order, which uses up no earlier one") {
  bearer_machine m;
  m.set_orders({{layer::tcp, true}});
  m.order(layer::tcp);
  CHECK(m.next(dials) == step::dial);
  if (GENERATE(true, false)) m.done();
  else m.fail();
  m.release();
  CHECK(m.phase() == phase::releasing);
  CHECK_FALSE(m.die());
  CHECK(m.next(dials) == step::wait);
  CHECK_FALSE(m.closed());
  CHECK(m.released());
  CHECK_FALSE(m.begins());
  m.order_all();
  CHECK(m.released());
  CHECK(m.order(layer::tcp));
  CHECK(m.next(dials) == step::dial);
}

TEST_CASE("an order during a release is not lost") {
  auto m = established_bearer();
  m.set_orders({{layer::tcp, true}});
  m.release();
  CHECK_FALSE(m.order(layer::tcp));
  CHECK(m.next(dials) == step::wait);
  CHECK(m.closed());
  CHECK(m.next(dials) == step::dial);
}

TEST_CASE("a released bearer that is ordered without a Remote waits for it") {
  bearer_machine m;
  m.release();
  CHECK_FALSE(m.closed());
  CHECK(m.order(layer::tcp));
  CHECK(m.next(nothing) == step::wait);
  CHECK(m.next(listens) == step::accept);
}

TEST_CASE("an order for a layer that a bearer has not, changes nothing") {
  auto m = established_bearer();
  m.release();
  CHECK_FALSE(m.order(layer::sctp));
  CHECK_FALSE(m.closed());
  CHECK_FALSE(m.order(layer::channel));
  CHECK(m.released());
}

TEST_CASE("after its Remote was forgotten a bearer begins anew, and has no end to tell before it is up again") {
  auto m = established_bearer();
  m.release();
  m.closed();
  m.park();
  m.forget_remote();
  CHECK(m.begins());
  CHECK_FALSE(m.die());
  CHECK(m.next(nothing) == step::wait);
  CHECK(m.next(dials) == step::dial);
}

TEST_CASE("a connection that was coming up when its bearer was parked begins anew; one that is up, or was, stays") {
  bearer_machine m;
  CHECK(m.next(secures) == step::dial);
  if (GENERATE(true, false)) {
    m.done();
    CHECK(m.next(secures) == step::secure);
  }
  m.park();
  CHECK(m.next(secures) == step::dial);
  auto up = established_bearer();
  up.park();
  CHECK(up.next(dials) == step::serve);
  CHECK(up.die());
  up.park();
  CHECK(up.next(dials) == step::serve);
  CHECK(up.phase() == phase::dead);
}
