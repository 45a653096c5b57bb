// Audits, service states, context properties, overload.
#include "rig.hpp"

using namespace agw::iq::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("an individual audit returns what it names and nothing else", "[iq]") {
  rig r;
  r.ask(add_core(",Events=7{tcpbcc/BNCChange{Type=Est},g/cause}"));
  const auto audit = [&](const std::string& items) { return r.ask("Context=1{AuditValue=ip/1/core/1{Audit{" + items + "}}}"); };
  CHECK(audit("") == "C=1{AV=ip/1/core/1}");
  CHECK(audit("Media{Stream=2{LocalControl{Mode}}}") == "C=1{AV=ip/1/core/1{M{ST=2{O{MO=SR}}}}}");
  CHECK(audit("Media{TerminationState{ServiceStates}}") == "C=1{AV=ip/1/core/1{M{TS{SI=IV}}}}");
  CHECK(audit("Events=7{g/cause}") == "C=1{AV=ip/1/core/1{E=7{g/cause}}}");
  CHECK_THAT(audit("Statistics{nt/os}"), Contains("{SA{nt/os=0}}"));
  CHECK_THAT(audit("Statistics{nt/os}"), !Contains("nt/or"));
  CHECK_THAT(audit("Media{Stream=9{LocalControl{Mode}}}"), Contains("ER=532{\"Stream=9\"}"));
  CHECK_THAT(audit("Packages{gm-2}"), !Contains("tman"));
  // What has nothing to say is a bare name: the grammar has no empty Stream or TerminationState.
  CHECK(audit("Media{Stream=2{Remote{}}}") == "C=1{AV=ip/1/core/1{M}}");
  CHECK(audit("Media{TerminationState{mgroup/sem}}") == "C=1{AV=ip/1/core/1{M}}");
  // A value selects.
  CHECK_THAT(r.ask("Context=*{AuditValue=*{Audit{Media{Stream=2{LocalControl{Mode=Inactive}}}}}}"), Contains("ER=431{"));
  CHECK_THAT(r.ask("Context=*{AuditValue=*{Audit{Media{Stream=2{LocalControl{Mode=SendReceive}}}}}}"), Contains("AV=ip/1/core/1"));
}

TEST_CASE("an Audit in Add, Modify and Subtract says what returns", "[iq]") {
  rig r;
  const auto added = r.ask(add_core(",Audit{Media{TerminationState{ServiceStates}},Media{Stream=2{LocalControl{Mode}}}}"));
  CHECK(added == "C=1{A=ip/1/core/1{M{TS{SI=IV},ST=2{O{MO=SR}}}}}");
  const std::string modify = "Context=1{Modify=ip/1/core/1{Events=3{g/cause},";
  CHECK(r.ask(modify + "Audit{Events}}}") == "C=1{MF=ip/1/core/1{E=3{g/cause}}}");
  CHECK_THAT(r.ask(modify + "Audit{Media{Stream=9{LocalControl{Mode}}}}}}"), Contains("ER=532{\"Stream=9\"}"));
  const auto all = r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Media,Statistics}}}");
  CHECK(all.find("M{") == all.rfind("M{"));  // statistics are a part of the one Media
  CHECK_THAT(all, Contains("nt/os=0"));
  const auto gone = r.ask("Context=1{Subtract=ip/1/core/1{Audit{Events,Statistics{nt/os}}}}");
  CHECK_THAT(gone, Contains("E=3{g/cause}") && Contains("nt/os=0") && !Contains("nt/or"));
}

TEST_CASE("capabilities are those that the audit names", "[iq]") {
  rig r;
  const auto able = [&](const std::string& items) { return r.ask("Context=-{AuditCapability=ip/1/core/*{Audit{" + items + "}}}"); };
  CHECK(able("Media{Stream=2{LocalControl{gm/saf,tman/sdr}}}") == "C=-{AC=ip/1/core/*{M{ST=2{O{gm/saf={ON,OFF},tman/sdr=[1:4294967295]}}}}}");
  CHECK(able("Events=*{g/cause}").find("E=*{g/cause{Generalcause={NR,UR,FT,FP,IW,UN}}}") != std::string::npos);
  CHECK(able("Signals{ipnapt/latch}") == "C=-{AC=ip/1/core/*{SG{ipnapt/latch{napt={OFF,LATCH,RELATCH}}}}}");
  CHECK(able("Statistics{gm/*}") == "C=-{AC=ip/1/core/*{SA{gm/dp}}}");
  CHECK_THAT(able("Events"), !Contains("it/ito"));
  const auto root = r.ask("Context=-{AuditCapability=ROOT{Audit{Events,Signals,Statistics}}}");
  CHECK_THAT(root, Contains("it/ito") && Contains("ocp/mg_overload") && !Contains("hangterm") && !Contains("nt/os"));
}

TEST_CASE("a wildcard's refusal names the termination", "[iq]") {
  rig r;
  r.ask("Context=${Add=ip/1/core/${" + core_local + "},Add=ip/1/access/${" + access_local + "}}");
  const auto reply = r.ask("Context=1{Modify=*{Media{Stream=2{LocalControl{ipdc/realm=\"core\"}}}}}");
  CHECK(reply == "C=1{MF=ip/1/access/2{ER=473{\"ipdc/realm=core on interface access\"}},MF=ip/1/core/1}");
}

TEST_CASE("ROOT tells its limits, timers, realms and contexts, and takes new timers", "[iq]") {
  rig r;
  const std::string audit = "Context=-{AuditValue=ROOT{Audit{Media,Packages}}}";
  const auto before = r.ask(audit);
  for (const char* part : {"SI=IV", "root/maxNumberOfContexts=100000", "ipra/ar=[\"access\",\"core\"]", "root/normalMGExecutionTime=1500", "PG{"}) {
    CHECK_THAT(before, Contains(part));
  }
  CHECK(r.ask("Context=-{Modify=ROOT{Media{TerminationState{root/MGOriginatedPendingLimit=5,root/normalMGExecutionTime=700}}}}") ==
        "C=-{MF=ROOT}");
  CHECK(r.mg.transactions().sent_pending_limit == 5);
  CHECK_THAT(r.ask(audit), Contains("root/normalMGExecutionTime=700"));
  r.ask(add_core());
  r.ask(add_core());
  CHECK(r.ask("Context=*{AuditValue=ROOT{Audit{}}}") == "C=1{AV=ROOT},C=2{AV=ROOT}");
}

TEST_CASE("capabilities are values and ranges, and every event and signal there is", "[iq]") {
  rig r;
  const auto reply = r.ask("Context=-{AuditCapability=ip/1/*{Audit{Media,Events,Signals,Statistics,Packages}}}");
  for (const char* part : {"gm/saf={ON,OFF}", "ipdc/realm={\"access\",\"core\"}", "E=*{", "hangterm/thb", "SG{", "tcpbcc/EstBNC", "nt/os"}) {
    CHECK_THAT(reply, Contains(part));
  }
}

TEST_CASE("the properties of a context are set, audited and select", "[iq]") {
  rig r;
  r.ask("Context=${Priority=7,Emergency,Add=ip/1/core/${" + core_local + "},Add=ip/1/access/${" + access_local + "}}");
  CHECK_THAT(r.ask("Context=1{ContextAudit{Priority,Emergency}}"), Contains("PR=7"));
  r.ask("Context=1{Topology{ip/1/core/1,ip/1/access/2,Isolate}}");
  CHECK_THAT(r.ask("Context=1{ContextAudit{Topology}}"), Contains("TP{ip/1/core/1,ip/1/access/2,IS}"));
  CHECK_THAT(r.ask("Context=1{Topology{ip/1/core/1,ip/1/core/99,Isolate}}"), Contains("ER=435{\"Topology: ip/1/core/99\"}"));
  CHECK_THAT(r.ask("Context=1{Topology{ip/1/core/1,ip/1/access/2,Oneway,Stream=2}}"), Contains("ER=421{"));
}

TEST_CASE("a topology may name what its own action adds, and all that stands there", "[iq]") {
  rig r;
  const std::string both = "Add=ip/1/core/${" + core_local + "},Add=ip/1/access/7{" + access_local + "}";
  const std::string topology = "{ContextAudit{Topology}}";
  // CHOOSE is the first Add with CHOOSE, wherever it stands; a name may come later too.
  CHECK_THAT(r.ask("Context=${Topology{ip/1/access/7,$,Oneway}," + both + "}"), StartsWith("C=1{A=ip/1/core/1{"));
  CHECK(r.ask("Context=1" + topology) == "C=1{TP{ip/1/access/7,ip/1/core/1,OW}}");
  CHECK_THAT(r.ask("Context=1{Topology{$,ip/1/core/1,Isolate}}"), Contains("ER=435{\"Topology: $\"}"));
  CHECK(r.ask("Context=1{Topology{*,ip/1/core/1,Isolate}}").find("ER=") == std::string::npos);
  CHECK(r.ask("Context=1" + topology) == "C=1{TP{ip/1/access/7,ip/1/core/1,IS}}");
  r.ask("Context=1{Topology{*,*,Bothway}}");
  CHECK_THAT(r.ask("Context=1" + topology), !Contains("TP{"));
  // What was to be added was refused: the topology is not what failed.
  const auto refused = r.ask("Context=1{Topology{$,ip/1/core/1,Isolate},Add=ip/1/nowhere/$}");
  CHECK_THAT(refused, Contains("ER=430{") && !Contains("ER=435{"));
}

TEST_CASE("a command with a list of terminations is carried out for each of them", "[iq]") {
  rig r;
  r.ask("Context=${Add=ip/1/core/1{" + core_local + "},Add=ip/1/core/2{" + core_local + "},Add=ip/1/core/3{" + core_local + "}}");
  const std::string inactive = "Media{Stream=2{LocalControl{Mode=Inactive}}}";
  CHECK(r.ask("Context=1{Modify=[ip/1/core/1,ip/1/core/3]{" + inactive + "}}") == "C=1{MF=ip/1/core/1,MF=ip/1/core/3}");
  const auto modes = r.ask("Context=1{AuditValue=*{Audit{Media{Stream=2{LocalControl{Mode}}}}}}");
  CHECK(modes == "C=1{AV=ip/1/core/1{M{ST=2{O{MO=IN}}}},AV=ip/1/core/2{M{ST=2{O{MO=SR}}}},AV=ip/1/core/3{M{ST=2{O{MO=IN}}}}}");
  // As with a wildcard, one that fails keeps none of the others back, but what follows the command.
  const auto some = r.ask("Context=1{Subtract=[ip/1/core/1,ip/1/core/9,ip/1/core/2]{Audit{}},Subtract=ip/1/core/3}");
  CHECK(some == "C=1{S=ip/1/core/1,S=ip/1/core/9{ER=430{\"ip/1/core/9\"}},S=ip/1/core/2}");
  CHECK_THAT(r.ask("Context=1{Add=[ip/1/core/$,ip/1/core/$]{" + core_local + "}}"), Contains("A=ip/1/core/4{") && Contains("A=ip/1/core/5{"));
}

TEST_CASE("a context that was not made has no number", "[iq]") {
  rig r;
  CHECK_THAT(r.ask("Context=${Add=ip/1/nowhere/${" + core_local + "}}"), StartsWith("C=${A=ip/1/nowhere/${ER=430{"));
  CHECK_THAT(r.ask("Context=${O-Add=ip/1/nowhere/${" + core_local + "},Add=ip/1/core/${" + core_local + "}}"), StartsWith("C=2{"));
  CHECK(r.gateway.contexts() == 1);
}

TEST_CASE("one answer for terminations of all contexts stands under the context as asked, and so does what fails behind it", "[iq]") {
  rig r;
  r.ask(add_core());
  r.ask(add_core());
  CHECK(r.ask("Context=*{AuditValue=*{Audit{}},AuditValue=ip/1/core/99{Audit{}}}") ==
        "C=1{AV=ip/1/core/1},C=2{AV=ip/1/core/2},C=*{AV=ip/1/core/99{ER=430{\"ip/1/core/99\"}}}");
  CHECK_THAT(r.ask("Context=*{W-Subtract=*}", 2), StartsWith("C=*{W-S=*{SA{nt/os=0,nt/or=0,nt/dur="));
  CHECK(r.gateway.contexts() == 0);
  r.ask(add_core());
  CHECK(r.ask("Context=*{W-Subtract=*{Audit{}}}") == "C=*{W-S=*}");
}

TEST_CASE("nothing begins in a gateway that ends, and no call is brought back to one that drains", "[iq]") {
  rig r;
  r.ask(add_core());
  r.gateway.drain();
  r.ask("Context=-{ServiceChange=ROOT{Services{Method=Restart,Reason=\"918 Cancel Graceful\"}}}");
  CHECK_THAT(r.ask(add_core()), Contains("ER=503{"));
  r.run([&] { return r.gateway.close(); });
  CHECK(r.gateway.contexts() == 0);
  CHECK(r.ask(add_core()) == "C=${ER=503{\"the gateway is ending\"}}");
}

TEST_CASE("a Modify of terminations in every context answers under each", "[iq]") {
  rig r;
  r.ask(add_core());
  r.ask(add_core());
  CHECK(r.ask("Context=*{Modify=ip/1/core/*{Media{Stream=2{LocalControl{Mode=Inactive}}}}}") == "C=1{MF=ip/1/core/1},C=2{MF=ip/1/core/2}");
  CHECK_THAT(r.ask("Context=1{Modify=ip/1/core/1{Media{Stream=2{LocalControl{Mode=Inactive}},Stream=2{LocalControl{Mode=SendOnly}}}}}"),
             Contains("ER=448{\"Stream = 2\"}"));
}

TEST_CASE("the MGC takes an interface out of service and back", "[iq]") {
  rig r;
  r.ask(add_core());
  const auto change = [&](const char* method, const char* reason) {
    return r.ask("Context=-{ServiceChange=ip/1/core/*{Services{Method=" + std::string(method) + ",Reason=\"" + reason + "\"}}}");
  };
  CHECK(change("Forced", "905 Termination taken out of service") == "C=-{SC=ip/1/core/*}");
  CHECK_THAT(r.ask(add_core()), Contains("ER=503{"));
  CHECK_THAT(r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Media{TerminationState{ServiceStates}}}}}"), Contains("SI=OS"));
  CHECK(change("Restart", "900 Service Restored") == "C=-{SC=ip/1/core/*}");
  CHECK_THAT(r.ask(add_core()), StartsWith("C=3{A=ip/1/core/"));
}

TEST_CASE("new contexts of an overloaded gateway need priority, an emergency none", "[iq]") {
  auto config = two_sides();
  config.max_contexts = 4;
  config.overload_percent = 50;
  rig r(config);
  r.ask(add_core());
  r.ask(add_core());
  CHECK_THAT(r.ask(add_core()), Contains("ER=510{"));
  CHECK_THAT(r.ask("Context=${Priority=15,Add=ip/1/core/${" + core_local + "}}"), Contains("A=ip/1/core/"));
  CHECK_THAT(r.ask("Context=${Emergency,Add=ip/1/core/${" + core_local + "}}"), Contains("A=ip/1/core/"));
  CHECK_THAT(r.ask("Context=${Emergency,Add=ip/1/core/${" + core_local + "}}"), Contains("ER=412{"));
}

TEST_CASE("the MGC takes the whole gateway out of service and back", "[iq]") {
  rig r;
  r.ask(add_core());
  const auto change = [&](const std::string& services) { return r.ask("Context=-{ServiceChange=ROOT{Services{" + services + "}}}"); };
  const std::string state = "Context=-{AuditValue=ROOT{Audit{Media{TerminationState{ServiceStates}}}}}";
  CHECK_THAT(change("Method=Graceful,Reason=\"905 Termination taken out of service\""), !Contains("ER="));
  CHECK_THAT(r.ask(add_core()), Contains("ER=503{"));
  CHECK_THAT(r.ask(state), Contains("SI=OS"));
  CHECK_THAT(r.ask("Context=1{AuditValue=*{Audit{}}}"), Contains("ip/1/core/1"));  // what stands goes on
  CHECK_THAT(change("Method=Restart,Reason=\"918 Cancel Graceful\""), !Contains("ER="));
  CHECK_THAT(r.ask(state), Contains("SI=IV"));
  CHECK_THAT(r.ask(add_core()), Contains("A=ip/1/core/"));
  const std::string states = "Context=*{AuditValue=*{Audit{Media{TerminationState{ServiceStates}}}}}";
  CHECK_THAT(change("Method=Forced,Reason=\"905 Termination taken out of service\""), !Contains("ER="));
  CHECK_THAT(r.ask(states), Contains("SI=OS") && !Contains("SI=IV"));
  CHECK_THAT(r.ask("Context=1{Add=ip/1/core/${" + core_local + "}}"), Contains("ER=503{\"ROOT is out of service\"}"));
  CHECK_THAT(change("Method=Restart,Reason=\"900 Service Restored\""), !Contains("ER="));
  CHECK_THAT(r.ask(states), Contains("SI=IV") && !Contains("SI=OS"));
  CHECK_THAT(change("Method=HandOff,Reason=\"903 MGC Directed Change\""), Contains("ER=472{"));  // to whom?
}
