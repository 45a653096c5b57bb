// Contexts that nobody owns, and what else than contexts may be scarce.
#include "rig.hpp"

using namespace agw::iq::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

// Second by second, with a moment of real time for the shards.
void pass(rig& r, int seconds) {
  for (int i = 0; i < seconds; ++i) {
    r.pass(1s);
    r.loop.run_for(1ms);
  }
}

agw::iq::media_gateway_config orphaned_after(agw::clock::duration limit) {
  auto config = two_sides();
  config.orphaned_after = limit;
  return config;
}

}  // namespace

TEST_CASE("contexts that no command and no audit concerns end, those that one concerns stay", "[iq]") {
  rig r(orphaned_after(60s), 2);
  r.pass(0s);
  for (int i = 0; i < 4; ++i) r.ask(add_core());
  pass(r, 40);
  r.ask("Context=2{Modify=ip/1/core/2{Signals}}");
  r.ask("Context=3{AuditValue=*{Audit{}}}");
  CHECK(r.gateway.contexts() == 4);
  pass(r, 35);
  CHECK(r.gateway.contexts() == 2);
  CHECK_THAT(r.ask("Context=1{AuditValue=*{Audit{}}}"), Contains("ER=411{"));
  CHECK_THAT(r.ask("Context=4{AuditValue=*{Audit{}}}"), Contains("ER=411{"));
  // An audit of all of them concerns each.
  CHECK_THAT(r.ask("Context=*{AuditValue=*{Audit{}}}"), Contains("ip/1/core/3"));
  pass(r, 50);
  CHECK(r.gateway.contexts() == 2);
  pass(r, 30);
  CHECK(r.gateway.contexts() == 0);
  CHECK_THAT(r.ask(add_core()), Contains("A=ip/1/core/"));
}

TEST_CASE("without orphaned_after contexts stay for ever, and are counted after an hour", "[iq]") {
  agw::metrics counted;
  shared_services().stages.metrics = &counted;
  {
    rig r(orphaned_after(0s));
    r.pass(0s);
    for (int i = 0; i < 3; ++i) r.ask(add_core());
    for (int i = 0; i < 59; ++i) r.pass(60s);
    r.pass(1s);
    CHECK_THAT(counted.expose(), Contains("agw_contexts_orphaned 0"));
    r.ask("Context=1{AuditValue=*{Audit{}}}");
    for (int i = 0; i < 4; ++i) r.pass(60s);
    CHECK(r.gateway.contexts() == 3);
    CHECK_THAT(counted.expose(), Contains("agw_contexts_orphaned 2"));
    CHECK_THAT(counted.expose(), !Contains("agw_contexts_orphans_ended_total"));  // none was
  }
  shared_services().stages.metrics = nullptr;
}

TEST_CASE("the gateway is overloaded by what is scarcest, ports for example", "[iq]") {
  auto config = two_sides();
  double share = 0.5;
  config.scarcest = [&] { return agw::iq::resource_use{share, "ports"}; };
  rig r(config);
  r.ask("Context=-{Modify=ROOT{Events=4{ocp/mg_overload}}}");
  CHECK_THAT(r.ask(add_core()), Contains("A=ip/1/core/"));
  share = 0.95;
  CHECK_THAT(r.ask(add_core()), Contains("ER=510{"));
  CHECK_THAT(r.ask("Context=${Emergency,Add=ip/1/core/${" + core_local + "}}"), Contains("A=ip/1/core/"));
  CHECK_THAT(r.heard_in_time("ocp/mg_overload"), Contains("N=ROOT{OE=4{"));
  share = 0.1;
  CHECK_THAT(r.ask(add_core()), Contains("A=ip/1/core/"));
}

TEST_CASE("limits that change hold from then on", "[iq]") {
  rig r;
  r.ask(add_core());
  auto less = two_sides();
  less.max_contexts = 1;
  r.gateway.set_limits(less);
  CHECK_THAT(r.ask(add_core()), Contains("ER=412{"));
  CHECK_THAT(r.ask("Context=-{AuditValue=ROOT{Audit{Media{TerminationState{root/maxNumberOfContexts}}}}}"), Contains("=1"));
  less.max_contexts = 2;
  r.gateway.set_limits(less);
  CHECK_THAT(r.ask(add_core()), Contains("A=ip/1/core/"));
}
