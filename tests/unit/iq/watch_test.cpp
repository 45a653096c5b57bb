// What the gateway notices by the passing of time, on a clock that the tests move.
#include "rig.hpp"

using namespace agw::iq::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

TEST_CASE("a termination that nobody asks after sends its heartbeat, again and again", "[iq]") {
  rig r;
  r.pass(0s);
  r.ask(add_core(",Events=3{hangterm/thb{timerx=30}}"));
  for (int i = 0; i < 29; ++i) r.pass(1s);
  CHECK_FALSE(r.heard_already("hangterm/thb"));
  r.ask("Context=1{Modify=ip/1/core/1{Signals}}");  // a command for it: the time starts again
  for (int i = 0; i < 29; ++i) r.pass(1s);
  CHECK_FALSE(r.heard_already("hangterm/thb"));
  CHECK_THAT(r.heard_in_time("hangterm/thb"), Contains("N=ip/1/core/1{OE=3{"));
  r.heard.clear();
  for (int i = 0; i < 29; ++i) r.pass(1s);
  CHECK_FALSE(r.heard_already("hangterm/thb"));
  r.heard_in_time("hangterm/thb");
}

TEST_CASE("a wildcard asks for what time brings as well, and audits do not keep a flow going", "[iq]") {
  rig r;
  r.pass(0s);
  r.ask(add_core(",Events=3{hangterm/*,adid/ipstop{dt=5,Stream=2}}"));
  for (int i = 0; i < 6 && !r.heard_already("adid/ipstop"); ++i) {
    r.pass(1s);
    r.loop.run_for(1ms);
    r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Statistics}}}");
  }
  CHECK_THAT(r.heard_in_time("adid/ipstop"), Contains("{ST=2}"));
  for (int i = 0; i < 3601; ++i) r.pass(1s);
  r.heard_of("hangterm/thb");
}

TEST_CASE("no heartbeat with timerx=0", "[iq]") {
  rig r;
  r.pass(0s);
  r.ask(add_core(",Events=3{hangterm/thb{timerx=0}}"));
  for (int i = 0; i < 4000; ++i) r.pass(1s);
  CHECK_FALSE(r.heard_already("hangterm/thb"));
}

TEST_CASE("a silent MGC is told so", "[iq]") {
  rig r;
  r.pass(0s);
  r.ask("Context=-{Modify=ROOT{Events=7{it/ito{mit=1000}}}}");
  for (int i = 0; i < 9; ++i) r.pass(1s);
  CHECK_FALSE(r.heard_already("it/ito"));
  CHECK_THAT(r.heard_in_time("it/ito"), Contains("N=ROOT{OE=7{"));
  // Its answer was a sign of life: the next comes ten seconds later.
  r.heard.clear();
  for (int i = 0; i < 9; ++i) r.pass(1s);
  CHECK_FALSE(r.heard_already("it/ito"));
  r.heard_in_time("it/ito");
}

TEST_CASE("a flow that has stopped is told once for each Events descriptor", "[iq]") {
  rig r;
  r.pass(0s);
  const std::string events = "Events=3{adid/ipstop{dt=5,dir=BOTH}}";
  r.ask(add_core("," + events));
  r.pass(1s);
  CHECK_FALSE(r.heard_already("adid/ipstop"));
  CHECK_THAT(r.heard_in_time("adid/ipstop"), Contains("N=ip/1/core/1{OE=3{"));
  r.heard.clear();
  for (int i = 0; i < 30; ++i) {
    r.pass(1s);
    r.loop.run_for(1ms);
  }
  CHECK_FALSE(r.heard_already("adid/ipstop"));
  r.ask("Context=1{Modify=ip/1/core/1{" + events + "}}");
  r.heard_in_time("adid/ipstop");
}

TEST_CASE("an interface whose address has gone is told and refuses, until it is back", "[iq]") {
  auto config = two_sides();
  bool here = true;
  config.has_address = [&](const agw::gateway::ip_address&) { return here; };
  rig r(config);
  r.ask("Context=-{Modify=ROOT{Events=9{ipra/arc}}}");
  r.ask(add_core());
  const std::string state = "Context=1{AuditValue=ip/1/core/1{Audit{Media{TerminationState{ServiceStates}}}}}";
  here = false;
  CHECK_THAT(r.heard_in_time("SC=ip/1/core/*"), Contains("906"));
  const auto changed = r.heard_in_time("ipra/arc");
  CHECK_THAT(changed, Contains("OE=9{"));
  CHECK_THAT(changed, Contains("delrealms=[\"access\",\"core\"]"));
  CHECK(agw::h248::parse(changed).ok());
  CHECK_THAT(r.ask(state), Contains("SI=OS"));
  CHECK_THAT(r.ask(add_core()), Contains("ER=503{"));
  CHECK_THAT(r.ask("Context=-{AuditValue=ROOT{Audit{Media{TerminationState{ipra/ar}}}}}"), !Contains("core"));
  r.heard.clear();
  here = true;
  CHECK_THAT(r.heard_in_time("SC=ip/1/core/*"), Contains("900"));
  CHECK_THAT(r.heard_in_time("ipra/arc"), Contains("newrealms=[\"access\",\"core\"]"));
  CHECK_THAT(r.ask(state), Contains("SI=IV"));
  CHECK_THAT(r.ask(add_core()), Contains("A=ip/1/core/"));
}

TEST_CASE("overload is told where it was asked for, once", "[iq]") {
  auto config = two_sides();
  config.max_contexts = 2;
  config.overload_percent = 50;
  rig r(config);
  r.ask("Context=-{Modify=ROOT{Events=4{ocp/mg_overload}}}");
  r.pass(1s);
  CHECK_FALSE(r.heard_already("ocp/mg_overload"));
  r.ask(add_core());
  CHECK_THAT(r.heard_in_time("ocp/mg_overload"), Contains("N=ROOT{OE=4{"));
  r.heard.clear();
  for (int i = 0; i < 10; ++i) r.pass(1s);
  CHECK_FALSE(r.heard_already("ocp/mg_overload"));
}
