// Sequences of what happens to a component, those among them where two inputs cross.
#include "component_machine.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::gateway;

namespace {

using phase = component_phase;

/// Up to the open channel.
component_machine open_component() {
  component_machine m;
  m.start();
  CHECK(m.begin());
  CHECK(m.open());
  m.opened();
  return m;
}

/// A stage works that has asked for the core end.
component_machine relaying_component() {
  auto m = open_component();
  CHECK(m.begin_stage());
  m.ask_core();
  return m;
}

}  // namespace

TEST_CASE("a component goes from its association to its end") {
  component_machine m;
  CHECK_FALSE(m.started());
  m.start();
  CHECK(m.started());
  CHECK_FALSE(m.running());
  CHECK(m.begin());
  CHECK(m.running());
  CHECK_FALSE(m.may_begin_stage());
  CHECK(m.open());
  CHECK(m.phase() == phase::opening);
  CHECK_FALSE(m.is_open());
  m.opened();
  CHECK(m.is_open());
  CHECK(m.may_begin_stage());
  CHECK(m.begin_stage());
  CHECK(m.phase() == phase::alone);
  CHECK_FALSE(m.idle());
  m.ask_core();
  CHECK(m.phase() == phase::between);
  CHECK(m.gives_core());
  m.stage_ended(side::core);
  CHECK(m.phase() == phase::resting);
  CHECK(m.idle());
  m.close();
  CHECK(m.running());
  CHECK_FALSE(m.is_open());
  m.end();
  CHECK_FALSE(m.running());
  CHECK(m.started());
}

TEST_CASE("a channel that waits for its order is opened by it, whichever comes first, and by no other layer's") {
  component_machine m;
  m.set_orders({{layer::ice, false}, {layer::channel, true}, {layer::tcp, false}, {layer::tls, false}});
  const bool order_first = GENERATE(true, false);
  if (order_first) m.order(layer::channel);
  m.start();
  CHECK(m.begin());
  if (!order_first) {
    CHECK_FALSE(m.open());
    CHECK(m.phase() == phase::held);
    m.order(layer::tcp);
    CHECK_FALSE(m.open());
    SECTION("the order comes") { m.order(layer::channel); }
    SECTION("the wait is taken back") { m.set_orders({{layer::channel, false}}); }
  }
  CHECK(m.open());
}

TEST_CASE("an order that comes before the channel is told to wait counts") {
  component_machine m;
  m.order(layer::channel);
  m.set_orders({{layer::channel, true}});
  m.start();
  CHECK(m.begin());
  CHECK(m.open());
}

TEST_CASE("a stop ends what runs, and what has not begun never begins") {
  component_machine m;
  SECTION("no association has it") {
    CHECK_FALSE(m.stop());
    CHECK(m.started());  // so that nobody starts it
    m.start();
    CHECK_FALSE(m.begin());
  }
  SECTION("its branch was spawned and has not begun") {
    m.start();
    CHECK_FALSE(m.stop());
    CHECK_FALSE(m.begin());
  }
  SECTION("its channel is not open yet") {
    m.start();
    CHECK(m.begin());
    CHECK(m.stop());
    CHECK(m.open());
    CHECK(m.stop());
    m.opened();
    CHECK_FALSE(m.may_begin_stage());
    m.close();
    CHECK(m.stop());
    m.end();
  }
  SECTION("a stage works") {
    m = relaying_component();
    CHECK(m.stop());
    CHECK_FALSE(m.gives_core());
    m.stage_ended({});
    CHECK_FALSE(m.may_begin_stage());
    m.close();
    m.end();
  }
  CHECK_FALSE(m.stop());
  CHECK(m.phase() == phase::ended);
}

TEST_CASE("a stage that ended by itself is followed by another when an end has left and the link has changed") {
  auto m = relaying_component();
  m.stage_ended(side::core);
  CHECK_FALSE(m.may_begin_stage());
  m.link_changed();
  CHECK_FALSE(m.may_begin_stage());
  CHECK(m.part(false, false) == stage_ending::none);
  CHECK_FALSE(m.may_begin_stage());
  m.link_changed();
  CHECK(m.begin_stage());
}

TEST_CASE("no stage follows the WIC's end, which is told once, whoever saw it first") {
  auto m = relaying_component();
  CHECK(m.tell_end(side::wic));
  CHECK_FALSE(m.tell_end(side::wic));
  CHECK(m.tell_end(side::core));
  CHECK(m.tell_end(side::core));
  m.stage_ended(side::wic);
  CHECK(m.part(true, true) == stage_ending::none);
  m.link_changed();
  CHECK_FALSE(m.may_begin_stage());
}

TEST_CASE("part during a stage: it finishes, is cut, or stays") {
  auto m = relaying_component();
  CHECK(m.part(false, true) == stage_ending::flush);
  CHECK_FALSE(m.idle());
  SECTION("it finishes in time") {
    m.stage_ended({});
    CHECK(m.idle());
    CHECK(m.flushed(false) == parting::done);
    CHECK_FALSE(m.begin_stage());
    m.link_changed();
    CHECK(m.begin_stage());
  }
  SECTION("the end leaves in any case") {
    CHECK(m.flushed(true) == parting::cancel);
    m.stage_ended({});
    CHECK_FALSE(m.may_begin_stage());
    m.link_changed();
    CHECK(m.begin_stage());
  }
  SECTION("the end stays, and another stage follows when this one has handed on what it had") {
    CHECK(m.flushed(false) == parting::stays);
    CHECK(m.gives_core());
    CHECK_FALSE(m.may_begin_stage());
    m.stage_ended({});
    CHECK(m.begin_stage());
  }
  SECTION("the end stays, and is asked again") {
    CHECK(m.flushed(false) == parting::stays);
    CHECK(m.part(true, true) == stage_ending::flush);
    CHECK_FALSE(m.gives_core());
    m.stage_ended({});
    CHECK(m.flushed(false) == parting::done);
  }
}

TEST_CASE("a stage that cannot be asked to finish is cancelled at once") {
  auto m = relaying_component();
  CHECK(m.part(false, false) == stage_ending::cancel);
  CHECK(m.idle());
  CHECK(m.flushed(false) == parting::cancel);
  m.stage_ended({});
  m.link_changed();
  CHECK(m.begin_stage());
  CHECK_FALSE(m.idle());
}

TEST_CASE("a stage without the core end is left alone when the core end leaves, and ended when its own does") {
  auto m = open_component();
  CHECK(m.begin_stage());
  CHECK(m.part(false, true) == stage_ending::none);
  CHECK(m.errand() == component_errand::none);
  CHECK(m.phase() == phase::alone);
  CHECK(m.part(true, true) == stage_ending::flush);
}

TEST_CASE("a core end that comes up while it is about to leave is not given to the stage any more") {
  auto m = relaying_component();
  CHECK(m.gives_core());
  CHECK(m.part(false, false) == stage_ending::cancel);
  CHECK_FALSE(m.gives_core());
  m.stage_ended({});
  CHECK_FALSE(m.may_begin_stage());
}

TEST_CASE("a channel that comes up while its component is between two links begins no stage there") {
  component_machine m;
  m.start();
  CHECK(m.begin());
  CHECK(m.open());
  CHECK(m.part(true, false) == stage_ending::none);
  m.opened();
  CHECK_FALSE(m.may_begin_stage());
  m.link_changed();
  CHECK(m.may_begin_stage());
}

TEST_CASE("part between the decision for a stage and its first step: the stage does not begin") {
  auto m = open_component();
  CHECK(m.may_begin_stage());
  CHECK(m.part(false, false) == stage_ending::none);
  CHECK_FALSE(m.begin_stage());
  m.link_changed();
  CHECK(m.begin_stage());
}

TEST_CASE("the end of a call lets a stage finish, and no other begins, however the link changes") {
  SECTION("a stage works") {
    auto m = relaying_component();
    CHECK(m.finish(true) == stage_ending::flush);
    CHECK_FALSE(m.idle());
    CHECK_FALSE(m.gives_core());
    CHECK(m.part(false, true) == stage_ending::flush);
    m.stage_ended({});
    CHECK(m.idle());
    m.link_changed();
    CHECK_FALSE(m.may_begin_stage());
  }
  SECTION("a stage works that cannot be asked") {
    auto m = relaying_component();
    CHECK(m.finish(false) == stage_ending::cancel);
    CHECK(m.idle());
  }
  SECTION("the channel comes up after it") {
    component_machine m;
    m.start();
    CHECK(m.begin());
    CHECK(m.open());
    CHECK(m.finish(false) == stage_ending::none);
    m.opened();
    CHECK_FALSE(m.may_begin_stage());
    CHECK(m.idle());
  }
}

TEST_CASE("with another association a component begins anew, whatever had been asked of it, and waits for its order again") {
  component_machine m;
  m.set_orders({{layer::channel, true}});
  m.order(layer::channel);
  m.start();
  SECTION("its branch never began") {}
  SECTION("the WIC had ended its side when the call's end was near") {
    CHECK(m.begin());
    CHECK(m.open());
    m.opened();
    CHECK(m.begin_stage());
    CHECK(m.tell_end(side::wic));
    m.stage_ended(side::wic);
    CHECK(m.finish(true) == stage_ending::none);
    m.close();
    m.end();
  }
  m.renew();
  CHECK_FALSE(m.started());
  m.start();
  CHECK(m.begin());
  CHECK_FALSE(m.open());
  m.order(layer::channel);
  CHECK(m.open());
  m.opened();
  CHECK(m.begin_stage());
  CHECK(m.tell_end(side::wic));
}
