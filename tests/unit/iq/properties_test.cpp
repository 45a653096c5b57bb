// Properties of contexts under actions that fail, what an empty Remote releases, and families of addresses.
#include "rig.hpp"

#include <boost/asio/read.hpp>

#include "agw/core/sockets.hpp"

using namespace agw::iq::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("an action that fails leaves the properties of its context as they were", "[iq]") {
  rig r;
  const std::string core = "Add=ip/1/core/${" + core_local + "}";
  r.ask("Context=${Priority=3," + core + "," + core + "}");
  const std::string audit = "Context=1{ContextAudit{Priority,Emergency,Topology}}";
  r.ask("Context=1{Topology{ip/1/core/1,ip/1/core/2,Isolate}}");
  const auto before = r.ask(audit);
  CHECK_THAT(before, Contains("PR=3") && Contains("TP{ip/1/core/1,ip/1/core/2,IS}"));
  const auto failed = r.ask("Context=1{Priority=9,Emergency,Topology{ip/1/core/1,ip/1/core/2,Bothway},Add=ip/1/moon/$}");
  CHECK_THAT(failed, Contains("ER=430{"));
  CHECK(r.ask(audit) == before);
  CHECK_THAT(r.ask("Context=1{Priority=9,O-Add=ip/1/moon/$}"), Contains("ER=430{"));  // optional: the action has not failed
  CHECK_THAT(r.ask(audit), Contains("PR=9"));
}

TEST_CASE("a topology of a thousand streams is taken as a whole", "[iq]") {
  rig r;
  const std::string core = "Add=ip/1/core/${" + core_local + "}";
  r.ask("Context=${" + core + "," + core + "}");
  std::string triples;
  for (int i = 1; i <= 1000; ++i) triples += std::string(i > 1 ? "," : "") + "ip/1/core/1,ip/1/core/2,Isolate,Stream=" + std::to_string(i);
  CHECK(r.ask("Context=1{Topology{" + triples + "}}") == "C=1");
  CHECK_THAT(r.ask("Context=1{ContextAudit{Topology}}"), Contains("IS,ST=1000"));
  std::string last;
  for (int round = 0; round < 6; ++round) {
    std::string more;
    for (int i = 1; i <= 1500; ++i) more += std::string(i > 1 ? "," : "") + "*,*,Isolate,Stream=" + std::to_string(1500 * round + i);
    last = r.ask("Context=1{Topology{" + more + "}}");
  }
  CHECK_THAT(last, Contains("ER=510{"));
}

TEST_CASE("an address of the other family cannot be chosen", "[iq]") {
  rig r;
  auto other = core_local;
  other.replace(other.find("IP4"), 3, "IP6");
  CHECK_THAT(r.ask("Context=${Add=ip/1/core/${" + other + "}}"), Contains("ER=473{\"c=IN IP6 $ on interface core\"}"));
  CHECK(r.gateway.contexts() == 0);
}

TEST_CASE("an empty Remote closes the connection and keeps the stream's own end for the next one", "[iq]") {
  rig r;
  const auto added = r.ask(add_core(",Events=7{tcpbcc/BNCChange}"));
  const auto port = static_cast<std::uint16_t>(std::stoi(between(added, "m=message ", " ")));
  const std::string remote = "Remote{v=0\r\nc=IN IP4 127.0.0.1\r\nm=message 4000 TCP *\r\na=setup:active\r\n}";
  const auto modify = [](const std::string& what) { return "Context=1{Modify=ip/1/core/1{Media{Stream=2{" + what + "}}}}"; };
  agw::tcp_socket first(r.loop);
  first.connect({agw::asio::ip::address_v4::loopback(), port});
  CHECK(r.ask(modify(remote)) == "C=1{MF=ip/1/core/1}");
  r.heard_of("Type=Est");
  CHECK(r.ask(modify("Remote{}")) == "C=1{MF=ip/1/core/1}");
  char octet = 0;
  agw::error_code ec;
  agw::asio::read(first, agw::asio::buffer(&octet, 1), ec);
  CHECK(ec == agw::asio::error::eof);
  CHECK_THAT(r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Media}}}"), !Contains("R{") && Contains("m=message " + std::to_string(port)));
  r.heard.clear();
  CHECK(r.ask(modify(remote)) == "C=1{MF=ip/1/core/1}");
  agw::tcp_socket second(r.loop);
  second.connect({agw::asio::ip::address_v4::loopback(), port});
  r.heard_of("Type=Est");
}

TEST_CASE("a list of contexts is an error where it is not supported", "[iq]") {
  rig r;
  r.ask(add_core());
  CHECK_THAT(r.ask("Context=1{ContextAttr{ContextList={1,2}}}"), Contains("ER=501{"));
}

namespace {

agw::iq::media_gateway_config of_both_families() {
  auto out = two_sides();
  for (auto& i : out.interfaces) {
    i.addresses.bound.push_back(agw::asio::ip::make_address("::1"));
    i.addresses.advertised = {agw::asio::ip::make_address("203.0.113.10"), agw::asio::ip::make_address("2001:db8::10")};
  }
  return out;
}

std::string with_connection(std::string local, const std::string& asked) {
  return local.replace(local.find("IN IP4 $"), 8, asked);
}

}  // namespace

TEST_CASE("the c= line decides of which family the address is that the gateway tells", "[iq]") {
  rig r(of_both_families());
  for (const auto& [asked, told] : {std::pair("IN IP4 $", "c=IN IP4 203.0.113.10"), std::pair("IN IP6 $", "c=IN IP6 2001:db8::10"),
                                    std::pair("IN $ $", "c=IN IP4 203.0.113.10"), std::pair("IN IP6 2001:db8::10", "A=ip/1/core/")}) {
    INFO(asked);
    const auto reply = r.ask("Context=${Add=ip/1/core/${" + with_connection(core_local, asked) + "}}");
    CHECK_THAT(reply, Contains(told));
    CHECK_THAT(reply, !Contains("ER="));
  }
  CHECK_THAT(r.ask("Context=${Add=ip/1/core/${" + with_connection(core_local, "IN IP4 127.0.0.1") + "}}"), Contains("ER="));
}

TEST_CASE("an association offers candidates of both families, and c= has the one that was asked for", "[iq]") {
  rig r(of_both_families());
  for (const auto& [asked, told] : {std::pair("IN IP4 $", "c=IN IP4 203.0.113.10"), std::pair("IN IP6 $", "c=IN IP6 2001:db8::10")}) {
    const auto reply = r.ask("Context=${Add=ip/1/access/${" + with_connection(access_local, asked) + "}}");
    INFO(reply);
    CHECK_THAT(reply, Contains(told));
    for (const char* part : {" 203.0.113.10 ", " 2001:db8::10 "}) CHECK_THAT(reply, Contains(part));
    CHECK_THAT(reply, !Contains("127.0.0.1 "));
  }
}

TEST_CASE("candidate lines that cannot be used are no error of the Add", "[iq]") {
  rig r;
  const std::string lines =
      "a=candidate:\r\na=candidate:1 1 udp 99999999999 192.0.2.1 5 typ host\r\na=candidate:" + std::string(40, 'f') +
      " 1 udp 1 192.0.2.1 5 typ host\r\na=candidate:1 1 udp 1 0b1c.local 5 typ host\r\na=candidate:1 1 quic 1 192.0.2.1 5 typ host\r\n";
  auto both = access_local;
  std::string print;
  for (int i = 0; i < 32; ++i) print += i == 0 ? "AB" : ":AB";
  const std::string theirs = ",Remote{v=0\r\nc=IN IP4 0.0.0.0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:active\r\n"
                             "a=fingerprint:sha-256 " + print + "\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n" + lines +
                             "a=sctp-port:5000\r\n}";
  const std::string end_of_local = "a=max-message-size:262144\r\n}";
  both.insert(both.find(end_of_local) + end_of_local.size(), theirs);
  CHECK_THAT(r.ask("Context=${Add=ip/1/access/${" + both + "}}"), Contains("A=ip/1/access/") && !Contains("ER="));
}
