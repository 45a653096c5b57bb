// Under- and over-specified Local and Remote, with and without the Reserve flags (H.248.1 7.1.7, 7.1.8).
#include "rig.hpp"

using namespace agw::iq::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

std::string description(const std::string& protocol, const std::string& port = "$") {
  return "v=0\r\nc=IN IP4 $\r\nm=message " + port + " " + protocol + " *\r\na=setup:passive\r\na=path:$\r\n";
}
const std::string audio = "v=0\r\nc=IN IP4 $\r\nm=audio $ RTP/AVP 0\r\n";

std::string add(const std::string& local, const std::string& control = "Mode=SendReceive", const std::string& remote = {}) {
  return "Context=${Add=ip/1/core/${Media{Stream=2{LocalControl{" + control + "},Local{" + local + "}" +
         (remote.empty() ? "" : ",Remote{" + remote + "}") + "}}}}";
}
std::string remote(const std::string& protocol) {
  return "v=0\r\nc=IN IP4 127.0.0.1\r\nm=message 4000 " + protocol + " *\r\na=setup:active\r\na=path:msrp://127.0.0.1:4000/s;tcp\r\n";
}

}  // namespace

TEST_CASE("properties that are left to the gateway return with its choice", "[iq]") {
  rig r;
  const std::string control = "Mode=SendReceive,ipdc/realm=$,tman/pol=ON,tman/sdr=$,tman/mbs=[500:900],gm/saf={OFF,ON},gm/spf#ON,tman/pdr>70000";
  const auto reply = r.ask(add(description("TCP/MSRP"), control));
  CHECK_THAT(reply, StartsWith("C=1{A=ip/1/core/1{M{ST=2{O{ipdc/realm=\"core\",tman/sdr=10000,tman/mbs=500,gm/saf=OFF,gm/spf=OFF,tman/pdr=70001}"));
  CHECK_THAT(reply, Contains("L{"));
  const auto audit = r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Media{Stream=2{LocalControl{tman/*,ipdc/realm}}}}}}");
  for (const char* part : {"tman/sdr=10000", "tman/mbs=500", "tman/pol=ON", "ipdc/realm=\"core\""}) CHECK_THAT(audit, Contains(part));
  // What leaves no choice does not return.
  CHECK(r.ask("Context=1{Modify=ip/1/core/1{Media{Stream=2{LocalControl{Mode=Inactive,tman/sdr=5}}}}}") == "C=1{MF=ip/1/core/1}");
  CHECK_THAT(r.ask("Context=${Add=ip/1/$/${Media{Stream=2{LocalControl{ipdc/realm={\"mars\",\"core\"}},Local{" + description("TCP") + "}}}}}"),
             Contains("A=ip/1/core/") && Contains("ipdc/realm=\"core\""));
}

TEST_CASE("without Reserve the first description that can be had is chosen and returns alone", "[iq]") {
  rig r;
  const auto first = r.ask(add(description("TCP/TLS/MSRP") + description("TCP/MSRP")));
  CHECK_THAT(first, Contains("TCP/TLS/MSRP"));
  CHECK_THAT(first, !Contains(" TCP/MSRP"));
  const auto second = r.ask(add(audio + description("TCP/MSRP")));
  CHECK_THAT(second, Contains(" TCP/MSRP"));
  CHECK_THAT(second, !Contains("audio"));
  CHECK_THAT(second, !Contains("$"));
  // The offer that Remote can meet goes before the one that it cannot.
  const auto met = r.ask(add(description("TCP/TLS/MSRP") + description("TCP/MSRP"), "Mode=SendReceive", remote("TCP/MSRP")));
  CHECK_THAT(met, Contains(" TCP/MSRP"));
  CHECK_THAT(met, !Contains("TCP/TLS/MSRP"));
  const auto none = r.ask(add(audio + audio));
  CHECK_THAT(none, Contains("ER=510{"));
  CHECK_THAT(none, Contains("RTP/AVP"));
  CHECK(r.gateway.contexts() == 3);
}

TEST_CASE("a Remote with several descriptions returns with the one that was chosen", "[iq]") {
  rig r;
  const auto reply = r.ask(add(description("TCP/MSRP"), "Mode=SendReceive", remote("TCP/TLS/MSRP") + remote("TCP/MSRP")));
  const auto chosen = between(reply, "R{", "}");
  CHECK_THAT(chosen, Contains(" TCP/MSRP"));
  CHECK_THAT(chosen, !Contains("TLS"));
  const auto single = r.ask(add(description("TCP/MSRP"), "Mode=SendReceive", remote("TCP/MSRP")));
  CHECK_THAT(single, !Contains("R{"));
}

TEST_CASE("with Reserve all that one port serves returns, and Remote decides", "[iq]") {
  rig r;
  const auto* flag = GENERATE("ReservedGroup=ON", "ReservedValue=ON");
  const auto reply = r.ask(add(description("TCP/TLS/MSRP") + audio + description("TCP/MSRP"), flag + std::string(",Mode=SendReceive")));
  CHECK_THAT(reply, Contains("TCP/TLS/MSRP"));
  CHECK_THAT(reply, Contains(" TCP/MSRP"));
  CHECK_THAT(reply, Contains("a=path:msrps://"));
  CHECK_THAT(reply, Contains("a=path:msrp://"));
  CHECK_THAT(reply, !Contains("audio"));
  CHECK(r.ask("Context=1{Modify=ip/1/core/1{Media{Stream=2{Remote{" + remote("TCP/MSRP") + "}}}}}") == "C=1{MF=ip/1/core/1}");
  const auto audited = r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Media}}}");
  CHECK_THAT(between(audited, "L{", "}"), !Contains("TLS"));
}

TEST_CASE("when Reserve ends, the first description stays", "[iq]") {
  rig r;
  r.ask(add(description("TCP/TLS/MSRP") + description("TCP/MSRP"), "ReservedValue=ON,Mode=SendReceive"));
  r.ask("Context=1{Modify=ip/1/core/1{Media{Stream=2{LocalControl{ReservedValue=OFF,Mode=SendReceive}}}}}");
  const auto audited = between(r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Media}}}"), "L{", "}");
  CHECK_THAT(audited, Contains("TCP/TLS/MSRP") && !Contains(" TCP/MSRP"));
  CHECK_THAT(r.ask("Context=1{Modify=ip/1/core/1{Media{Stream=2{Remote{" + remote("TCP/MSRP") + "}}}}}"), Contains("ER=473{"));
}

TEST_CASE("with Reserve what cannot be had is no error: Local returns empty", "[iq]") {
  rig r;
  const auto reply = r.ask(add(audio, "ReservedValue=ON,Mode=SendReceive"));
  CHECK_THAT(reply, StartsWith("C=1{A=ip/1/core/1{M{ST=2{L{"));
  CHECK_THAT(reply, !Contains("audio"));
  CHECK_THAT(reply, !Contains("ER="));
  // The stream is not there.
  CHECK_THAT(r.ask("Context=1{Modify=ip/1/core/1{Media{Stream=2{Remote{" + remote("TCP/MSRP") + "}}}}}"), Contains("ER=441{"));
}

TEST_CASE("a Local that comes again may repeat the answer or leave things out, and not ask for another resource", "[iq]") {
  rig r;
  const auto first = r.ask(add(description("TCP/MSRP"), "Mode=SendReceive", remote("TCP/MSRP")));
  const auto local = between(first, "L{", "}");
  const auto port = between(local, "m=message ", " ");
  const std::string modify = "Context=1{Modify=ip/1/core/1{Media{Stream=2{Local{";
  CHECK(r.ask(modify + local + "}}}}}") == "C=1{MF=ip/1/core/1}");
  CHECK(r.ask(modify + "v=0\r\nm=message " + port + " TCP/MSRP *\r\n}}}}}") == "C=1{MF=ip/1/core/1}");
  const auto again = r.ask(modify + description("TCP/MSRP") + "}}}}}");
  CHECK(between(again, "L{", "}") == local);  // what is chosen stays so
  CHECK_THAT(r.ask(modify + description("TCP/MSRP", "1") + "}}}}}"), Contains("ER=473{"));
  CHECK_THAT(r.ask(modify + description("TCP/TLS/MSRP") + "}}}}}"), Contains("ER=473{"));
  CHECK(between(r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Media}}}"), "m=message ", " ") == port);
}
