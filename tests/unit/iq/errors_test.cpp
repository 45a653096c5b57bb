// Every refusal by its code, with the offending item in the text.
#include "rig.hpp"

using namespace agw::iq::test;
using Catch::Matchers::Contains;

namespace {

struct refusal_case {
  const char* what;
  std::string actions;
  const char* code;
  const char* item;
};

std::string core_add(const std::string& inside) { return "Context=1{Add=ip/1/core/${Media{Stream=2{" + inside + "}}}}"; }

}  // namespace

TEST_CASE("what is wrong is refused with its code and named", "[iq]") {
  rig r;
  r.ask("Context=${Add=ip/1/core/${" + core_local + "},Add=ip/1/access/${" + access_local + "}}");
  const std::string modify = "Context=1{Modify=ip/1/core/1{";
  const std::vector<refusal_case> cases = {
      {"unknown context", "Context=9{Subtract=*}", "411", "9"},
      {"ROOT in Add", "Context=1{Add=ROOT}", "410", "ROOT"},
      {"ROOT in Subtract", "Context=1{Subtract=ROOT}", "410", "ROOT"},
      {"ALL in Add", "Context=1{Add=ip/1/core/*}", "410", "ip/1/core/*"},
      {"CHOOSE in Modify", "Context=1{Modify=ip/1/core/$}", "410", "ip/1/core/$"},
      {"CHOOSE in Subtract", "Context=1{Subtract=$}", "410", "$"},
      {"CHOOSE in AuditValue", "Context=1{AuditValue=${Audit{Media}}}", "410", "$"},
      {"another kind of name", "Context=1{Modify=tdm/1}", "430", "tdm/1"},
      {"unknown termination", "Context=1{Modify=ip/1/core/99}", "430", "ip/1/core/99"},
      {"no match", "Context=1{Modify=ip/7/*}", "431", "ip/7/*"},
      {"unknown group", "Context=1{Add=ip/9/core/$}", "430", "ip/9/core/$"},
      {"there already", "Context=1{Add=ip/1/core/1}", "433", "ip/1/core/1"},
      {"unknown package", modify + "Media{Stream=2{LocalControl{xyz/abc=1}}}}}", "440", "xyz"},
      {"unknown property", modify + "Media{Stream=2{LocalControl{gm/abc=1}}}}}", "450", "gm/abc"},
      {"unknown event", modify + "Events=1{g/abc}}}", "451", "g/abc"},
      {"unknown signal", modify + "Signals{tcpbcc/abc}}}", "452", "tcpbcc/abc"},
      {"unknown parameter", modify + "Events=1{hangterm/thb{abc=1}}}}", "446", "abc"},
      {"unknown value", modify + "Events=1{tcpbcc/BNCChange{Type=Blue}}}}", "449", "Blue"},
      {"value out of range", modify + "Media{Stream=2{LocalControl{tman/sdr=-1}}}}}", "449", "-1"},
      {"unknown realm", core_add("LocalControl{ipdc/realm=\"mars\"}"), "449", "mars"},
      {"contradicting realm", core_add("LocalControl{ipdc/realm=\"access\"}"), "473", "access"},
      {"loopback", modify + "Media{Stream=2{LocalControl{Mode=Loopback}}}}}", "517", "Loopback"},
      {"LockStep", modify + "Media{TerminationState{Buffer=LockStep}}}}", "449", "LockStep"},
      {"EventBuffer", modify + "EventBuffer{g/cause}}}", "444", "EventBuffer"},
      {"DigitMap", modify + "DigitMap=d{(xx)}}}", "444", "DigitMap"},
      {"Remote without Local", modify + "Media{Stream=7{Remote{v=0\r\nc=IN IP4 127.0.0.1\r\nm=message 5 TCP *\r\n}}}}}", "441", "7"},
      {"no m= line", core_add("Local{v=0\r\nc=IN IP4 $\r\n}"), "474", "m="},
      {"no sctp-port",
       "Context=1{Add=ip/1/access/${Media{Stream=1{Local{v=0\r\nc=IN IP4 $\r\nm=application $ UDP/DTLS/SCTP webrtc-datachannel\r\n}}}}}",
       "472", "sctp-port"},
      {"unknown group semantics", modify + "Media{TerminationState{mgroup/sem=\"LS 1 2\"}}}}", "489", "LS 1 2"},
      {"an association interlinked", "Context=1{Modify=ip/1/access/2{Media{Stream=1{LocalControl{seplink/on=ON}}}}}", "488", "association"},
      {"alternative groups", modify + "Media{TerminationState{mgroup/sem={\"DEAGG 1\",\"DEAGG 2\"}}}}}", "449", "DEAGG"},
      {"no number for an id", "Context=1{Add=ip/1/core/0}", "410", "ip/1/core/0"},
      {"a half chosen id", "Context=1{Add=ip/1/core/5$}", "410", "ip/1/core/5$"},
      {"stream 0", modify + "Media{Stream=0{LocalControl{Mode=Inactive}}}}}", "449", "Stream = 0"},
      {"a property twice", modify + "Media{Stream=2{LocalControl{gm/saf=ON,gm/saf=OFF}}}}}", "456", "gm/saf"},
      {"ServiceStates in Modify", modify + "Media{TerminationState{ServiceStates=OutOfService}}}}", "534", "ServiceStates"},
      {"an event of ROOT", modify + "Events=1{it/ito{mit=100}}}}", "512", "it/ito"},
      {"an event of terminations", "Context=-{Modify=ROOT{Events=1{hangterm/thb{timerx=3}}}}", "512", "hangterm/thb"},
      {"silence without its length", "Context=-{Modify=ROOT{Events=1{it/ito}}}", "457", "mit"},
      {"a signal on ROOT", "Context=-{Modify=ROOT{Signals{ipnapt/latch}}}", "513", "ipnapt/latch"},
      {"TimeOut without Duration", modify + "Signals{tcpbcc/EstBNC{SignalType=TimeOut}}}}", "457", "Duration"},
      {"a signal for a stream that is not there", modify + "Signals{tcpbcc/EstBNC{Stream=9}}}}", "449", "Stream = 9"},
      {"a signal for a layer that is not there", modify + "Signals{sctpbcc/EstBNC{Stream=2}}}}", "513", "sctpbcc/EstBNC"},
      {"no choice of a value", modify + "Media{Stream=2{LocalControl{gm/sam=$}}}}}", "449", "gm/sam"},
      {"a realm of nobody's in Modify", modify + "Media{Stream=2{LocalControl{ipdc/realm={\"mars\",\"venus\"}}}}}}", "449", "mars"},
      {"another realm in Modify", modify + "Media{Stream=2{LocalControl{ipdc/realm=\"access\"}}}}}", "473", "access"},
      {"two realms", "Context=1{Add=ip/1/$/${Media{Stream=2{LocalControl{ipdc/realm=\"core\"}},Stream=3{LocalControl{ipdc/realm=\"access\"}}}}}", "473",
       "access"},
      {"a fingerprint that there is none of", core_add("Local{v=0\r\nc=IN IP4 $\r\nm=message $ TCP/MSRP *\r\na=fingerprint:sha-256 $\r\n}"), "449",
       "a=fingerprint:sha-256 $"},
      {"ServiceChange of ROOT elsewhere", "Context=1{ServiceChange=ROOT{Services{Method=Restart,Reason=\"900\"}}}", "410", "ROOT"},
      {"ServiceChange in the NULL context", "Context=-{ServiceChange=ip/1/core/1{Services{Method=Forced,Reason=\"905\"}}}", "435", "ip/1/core/1"},
      {"capabilities of ROOT elsewhere", "Context=1{AuditCapability=ROOT{Audit{Media}}}", "410", "ROOT"},
      {"capabilities of no interface", "Context=-{AuditCapability=ip/1/mars/*{Audit{Media}}}", "431", "ip/1/mars/*"},
      {"read-only", "Context=-{Modify=ROOT{Media{TerminationState{root/maxNumberOfContexts=5}}}}", "534", "maxNumberOfContexts"},
      {"not for ROOT", "Context=-{Modify=ROOT{Media{TerminationState{mgroup/sem=\"DEAGG 1\"}}}}", "455", "mgroup/sem"},
      {"ContextAudit of NULL", "Context=-{ContextAudit{Priority}}", "421", "NULL"},
      {"Add in NULL", "Context=-{Add=ip/1/core/$}", "421", "context"},
  };
  for (const auto& c : cases) {
    DYNAMIC_SECTION(c.what) {
      const auto reply = r.ask(c.actions);
      CHECK_THAT(reply, Contains("ER=" + std::string(c.code) + "{"));
      CHECK_THAT(reply.substr(reply.find("ER=")), Contains(c.item));
    }
  }
  CHECK(r.gateway.contexts() == 1);
}

TEST_CASE("limits are refused with 412 and 434", "[iq]") {
  auto config = two_sides();
  config.max_contexts = 1;
  config.max_terminations_per_context = 1;
  rig r(config);
  r.ask("Context=${Add=ip/1/core/${" + core_local + "}}");
  CHECK_THAT(r.ask("Context=${Add=ip/1/core/${" + core_local + "}}"), Contains("ER=412{"));
  CHECK_THAT(r.ask("Context=1{Add=ip/1/access/${" + access_local + "}}"), Contains("ER=434{"));
}
