#include "rig.hpp"

using namespace agw::iq::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("an Add with CHOOSE makes the context and the termination, and returns Local filled in", "[iq]") {
  rig r;
  const auto reply = r.ask("Context=${Add=ip/1/core/${" + core_local + "}}");
  CHECK_THAT(reply, StartsWith("C=1{A=ip/1/core/1{M{ST=2{L{"));
  CHECK_THAT(reply, Contains("c=IN IP4 127.0.0.1"));
  CHECK_THAT(reply, Contains("a=path:msrp://127.0.0.1:" + between(reply, "m=message ", " ")));
  CHECK_THAT(reply, !Contains("$"));
  CHECK_THAT(reply, !Contains("O{"));  // nothing but what was under-specified
  CHECK(r.gateway.contexts() == 1);
}

TEST_CASE("the call of the profile is set up in either order, and in one transaction", "[iq]") {
  rig r;
  const std::string core = "Add=ip/1/core/${" + core_local + "}", access = "Add=ip/1/access/${" + access_local + "}";
  SECTION("core first") {
    CHECK_THAT(r.ask("Context=${" + core + "}"), StartsWith("C=1{A=ip/1/core/1{M{ST=2{L{"));
    CHECK_THAT(r.ask("Context=1{" + access + "}"), StartsWith("C=1{A=ip/1/access/2{M{ST=1{L{"));
  }
  SECTION("access first") {
    CHECK_THAT(r.ask("Context=${" + access + "}"), StartsWith("C=1{A=ip/1/access/1{M{ST=1{L{"));
    CHECK_THAT(r.ask("Context=1{" + core + "}"), StartsWith("C=1{A=ip/1/core/2{M{ST=2{L{"));
  }
  SECTION("at once") {
    const auto reply = r.ask("Context=${" + core + "," + access + "}");
    CHECK_THAT(reply, StartsWith("C=1{A=ip/1/core/1{"));
    CHECK_THAT(reply, Contains(",A=ip/1/access/2{M{ST=1{L{"));
    for (const char* line : {"a=fingerprint:sha-256 ", "a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=ice-lite", "a=sctp-port:"}) {
      CHECK_THAT(reply, Contains(line));
    }
    CHECK_THAT(reply, !Contains("$"));
    // Every S2 of T1 was fully specified: only S1 returns.
    CHECK_THAT(reply.substr(reply.find("A=ip/1/access")), !Contains("ST=2"));
  }
  CHECK(r.gateway.contexts() == 1);
  const auto end = r.ask("Context=1{W-Subtract=*{Audit{}}}");
  CHECK(end == "C=1{W-S=*}");
  CHECK(r.gateway.contexts() == 0);
}

TEST_CASE("the access side in either SDP role takes the answer in a Modify", "[iq]") {
  rig r;
  r.ask("Context=${Add=ip/1/access/${" + access_local + "}}");
  const auto remote = [](const std::string& setup) {
    return "Context=1{Modify=ip/1/access/1{Media{Stream=1{Remote{v=0\r\nc=IN IP4 127.0.0.1\r\nm=application 9 UDP/DTLS/SCTP "
           "webrtc-datachannel\r\na=setup:" +
           setup +
           "\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 "
           "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\na=sctp-port:5000\r\n}}}}}";
  };
  CHECK_THAT(r.ask(remote("passive")), StartsWith("C=1{MF=ip/1/access/1{ER=473{"));
  CHECK(r.ask(remote("active")) == "C=1{MF=ip/1/access/1}");
}

TEST_CASE("Subtract returns statistics by stream, in version 2 in sum, and none for an empty Audit", "[iq]") {
  rig r;
  const std::string make = "Context=${Add=ip/1/core/${" + core_local + "},Add=ip/1/access/${" + access_local + "}}";
  r.ask(make);
  const auto v3 = r.ask("Context=1{Subtract=ip/1/core/1}");
  CHECK_THAT(v3, StartsWith("C=1{S=ip/1/core/1{M{ST=2{SA{nt/os=0,nt/or=0,nt/dur="));
  CHECK(r.ask("Context=1{Subtract=ip/1/access/2{Audit{}}}") == "C=1{S=ip/1/access/2}");
  r.ask(make);
  CHECK_THAT(r.ask("Context=2{Subtract=ip/1/core/3}", 2), StartsWith("C=2{S=ip/1/core/3{SA{nt/os=0,nt/or=0,nt/dur="));
}

TEST_CASE("what the source filter discards is among the statistics of a filtered stream", "[iq]") {
  rig r;
  auto filtered = core_local;
  filtered.insert(filtered.find("Mode="), "gm/saf=ON,");
  r.ask("Context=${Add=ip/1/core/${" + filtered + "}}");
  CHECK_THAT(r.ask("Context=1{Subtract=ip/1/core/1}"), Contains("gm/dp=0"));
  r.ask("Context=${Add=ip/1/core/${" + core_local + "}}");
  CHECK_THAT(r.ask("Context=2{Subtract=ip/1/core/2}"), !Contains("gm/dp"));
}

TEST_CASE("Subtract of everything everywhere leaves nothing", "[iq]") {
  rig r;
  for (int i = 0; i < 3; ++i) r.ask("Context=${Add=ip/1/core/${" + core_local + "}}");
  CHECK(r.gateway.contexts() == 3);
  const auto reply = r.ask("Context=*{Subtract=*{Audit{}}}");
  CHECK(reply == "C=1{S=ip/1/core/1},C=2{S=ip/1/core/2},C=3{S=ip/1/core/3}");
  CHECK(r.gateway.contexts() == 0);
  CHECK_THAT(r.ask("Context=*{Subtract=*}"), Contains("ER=431{"));
}

TEST_CASE("a command that fails leaves nothing behind and stops the rest, unless it is optional", "[iq]") {
  rig r;
  const std::string good = "Add=ip/1/core/${" + core_local + "}";
  const std::string bad = "Add=ip/1/moon/${" + core_local + "}";
  CHECK_THAT(r.ask("Context=${" + bad + "," + good + "}"), Contains("A=ip/1/moon/${ER=430{\"ip/1/moon/$\"}}"));
  CHECK(r.gateway.contexts() == 0);
  const auto mixed = r.ask("Context=${O-" + bad + "," + good + "}");
  CHECK_THAT(mixed, Contains("ER=430"));
  CHECK_THAT(mixed, Contains("A=ip/1/core/"));
  CHECK(r.gateway.contexts() == 1);
  // The second action is not begun.
  const auto stopped = r.ask("Context=77{Subtract=*},Context=*{Subtract=*}");
  CHECK_THAT(stopped, Contains("C=77{ER=411{\"77\"}}"));
  CHECK_THAT(stopped, !Contains("C=*"));
  CHECK(r.gateway.contexts() == 1);
}

TEST_CASE("an Add whose second stream is wrong leaves no port, no termination and no context", "[iq]") {
  rig r;
  const auto reply = r.ask(
      "Context=${Add=ip/1/core/${Media{Stream=1{Local{v=0\r\nc=IN IP4 $\r\nm=message $ TCP *\r\na=setup:passive\r\n}},"
      "Stream=2{Local{v=0\r\nc=IN IP4 $\r\nm=audio $ RTP/AVP 0\r\n}}}}}");
  CHECK_THAT(reply, Contains("ER=515{"));
  CHECK_THAT(reply, Contains("RTP/AVP"));
  CHECK(r.gateway.contexts() == 0);
}
