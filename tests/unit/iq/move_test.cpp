// Move: terminations change their context and stay what they are.
#include "agw/core/sockets.hpp"
#include "rig.hpp"

using namespace agw;
using namespace agw::iq::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

const std::string core_side = "Add=ip/1/core/${" + core_local + "}";

}  // namespace

TEST_CASE("a termination moves to a context that is there, or to a new one; a context that is left empty ends", "[iq]") {
  const std::size_t threads = GENERATE(1, 2);
  rig r(two_sides(), threads);
  r.ask("Context=${" + core_side + "," + core_side + "}");
  r.ask("Context=${" + core_side + "}");
  const auto port = between(r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Media}}}"), "m=message ", " ");
  CHECK(r.ask("Context=2{Move=ip/1/core/1}") == "C=2{MV=ip/1/core/1}");
  CHECK(r.gateway.contexts() == 2);
  CHECK(between(r.ask("Context=2{AuditValue=ip/1/core/1{Audit{Media}}}"), "m=message ", " ") == port);
  CHECK_THAT(r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Media}}}"), Contains("ER=435{"));
  CHECK_THAT(r.ask("Context=${Move=IP/1/CORE/2}"), StartsWith("C=3{MV=ip/1/core/2}"));
  CHECK(r.gateway.contexts() == 2);  // the first has ended
  CHECK_THAT(r.ask("Context=1{Subtract=*}"), Contains("ER=411{"));
  CHECK(r.ask("Context=3{W-Move=ip/1/core/*}") == "C=3{W-MV=ip/1/core/*}");
  CHECK(r.gateway.contexts() == 1);
  CHECK(r.ask("Context=3{W-Subtract=*{Audit{}}}") == "C=3{W-S=*}");
  CHECK(r.gateway.contexts() == 0);
}

TEST_CASE("what a Move says of the termination holds with it, and a refusal moves nothing", "[iq]") {
  const std::size_t threads = GENERATE(1, 2);
  rig r(two_sides(), threads);
  r.ask("Context=${" + core_side + "," + core_side + "}");
  r.ask("Context=${" + core_side + "}");
  r.ask("Context=1{Topology{ip/1/core/1,ip/1/core/2,Isolate}}");
  const auto refused = r.ask("Context=2{Move=ip/1/core/1{Media{Stream=2{LocalControl{Mode=Loopback}}}}}");
  CHECK_THAT(refused, StartsWith("C=2{MV=ip/1/core/1{ER=517{"));
  const auto still = r.ask("Context=1{ContextAudit{Topology},AuditValue=ip/1/core/1{Audit{Media}}}");
  CHECK_THAT(still, Contains("TP{ip/1/core/1,ip/1/core/2,IS}"));
  CHECK_THAT(still, Contains("MO=SR"));
  CHECK(r.ask("Context=2{Move=ip/1/core/1{Media{Stream=2{LocalControl{Mode=Inactive}}}}}") == "C=2{MV=ip/1/core/1}");
  CHECK_THAT(r.ask("Context=2{AuditValue=ip/1/core/1{Audit{Media}}}"), Contains("MO=IN"));
  CHECK_THAT(r.ask("Context=1{ContextAudit{Topology}}"), !Contains("core/1,"));
}

TEST_CASE("a Move that cannot be says why", "[iq]") {
  auto config = two_sides();
  config.max_terminations_per_context = 2;
  rig r(config);
  r.ask("Context=${" + core_side + "," + core_side + "}");
  r.ask("Context=${" + core_side + "}");
  CHECK_THAT(r.ask("Context=1{Move=ip/1/core/1}"), Contains("MV=ip/1/core/1{ER=433{"));
  CHECK_THAT(r.ask("Context=1{Move=ip/1/core/77}"), Contains("ER=430{"));
  CHECK_THAT(r.ask("Context=1{Move=ip/7/*}"), Contains("ER=431{"));
  CHECK_THAT(r.ask("Context=1{Move=ip/1/core/$}"), Contains("ER=410{"));
  CHECK_THAT(r.ask("Context=1{Move=ROOT}"), Contains("ER=410{"));
  CHECK_THAT(r.ask("Context=9{Move=ip/1/core/1}"), Contains("ER=411{"));
  CHECK_THAT(r.ask("Context=-{Move=ip/1/core/1}"), Contains("ER=421{"));
  CHECK_THAT(r.ask("Context=1{Move=ip/1/core/3}"), Contains("ER=434{"));
  r.ask("Context=2{ServiceChange=ip/1/core/3{Services{Method=Forced,Reason=\"905\"}}}");
  r.ask("Context=1{Subtract=ip/1/core/1}");
  CHECK_THAT(r.ask("Context=1{Move=ip/1/core/3}"), Contains("ER=503{"));
  CHECK(r.gateway.contexts() == 2);
}

TEST_CASE("a termination moves to a context of another thread with its port, its connection and its events", "[iq]") {
  rig r(two_sides(), 2);
  r.ask("Context=${" + core_side + "}");
  r.ask("Context=${" + core_side + "," + core_side + "}");
  const auto port = between(r.ask("Context=1{AuditValue=ip/1/core/1{Audit{Media}}}"), "m=message ", " ");
  tcp_socket peer(r.loop);
  peer.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(port))});
  const std::string remote = "Remote{v=0\r\nc=IN IP4 127.0.0.1\r\nm=message 4000 TCP *\r\na=setup:active\r\n}";
  const auto moved = r.ask("Context=2{Move=ip/1/core/1{Media{Stream=2{" + remote + "}},Events=7{tcpbcc/BNCChange}}}");
  CHECK(moved == "C=2{MV=ip/1/core/1}");
  r.heard_in_time("Type=Est");
  CHECK(r.gateway.contexts() == 1);
  r.ask("Context=${" + core_side + "}");  // on the thread of the first
  CHECK(r.ask("Context=3{Move=ip/1/core/1}") == "C=3{MV=ip/1/core/1}");
  CHECK(between(r.ask("Context=3{AuditValue=ip/1/core/1{Audit{Media}}}"), "m=message ", " ") == port);
  peer.shutdown(tcp_socket::shutdown_send);
  CHECK_THAT(r.heard_in_time("Type=Rel"), Contains("C=3{"));
}

TEST_CASE("an association stays with its thread, and the context that gets it goes there with what it has", "[iq]") {
  rig r(two_sides(), 2);
  r.ask("Context=${Add=ip/1/access/${" + access_local + "}}");
  r.ask("Context=${" + core_side + "," + core_side + "}");
  r.ask("Context=2{Topology{ip/1/core/2,ip/1/core/3,Isolate}}");
  const auto port = between(r.ask("Context=2{AuditValue=ip/1/core/2{Audit{Media}}}"), "m=message ", " ");
  tcp_socket peer(r.loop);
  peer.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(port))});
  const std::string remote = "Remote{v=0\r\nc=IN IP4 127.0.0.1\r\nm=message 4000 TCP *\r\na=setup:active\r\n}";
  r.ask("Context=2{Modify=ip/1/core/2{Media{Stream=2{" + remote + "}},Events=7{tcpbcc/BNCChange}}}");
  r.heard_in_time("Type=Est");
  const auto ufrag = between(r.ask("Context=1{AuditValue=ip/1/access/1{Audit{Media}}}"), "a=ice-ufrag:", "\n");
  CHECK(r.ask("Context=2{Move=ip/1/access/1}") == "C=2{MV=ip/1/access/1}");
  CHECK(r.gateway.contexts() == 1);
  CHECK(between(r.ask("Context=2{AuditValue=ip/1/access/1{Audit{Media}}}"), "a=ice-ufrag:", "\n") == ufrag);
  CHECK(between(r.ask("Context=2{AuditValue=ip/1/core/2{Audit{Media}}}"), "m=message ", " ") == port);
  CHECK_THAT(r.ask("Context=2{ContextAudit{Topology}}"), Contains("TP{ip/1/core/2,ip/1/core/3,IS}"));
  peer.shutdown(tcp_socket::shutdown_send);
  CHECK_THAT(r.heard_in_time("Type=Rel"), Contains("C=2{"));
  CHECK(r.ask("Context=2{W-Subtract=*{Audit{}}}") == "C=2{W-S=*}");
  CHECK(r.gateway.contexts() == 0);
}

TEST_CASE("two associations of different threads do not come together: it is said, and all stays where it was", "[iq]") {
  rig r(two_sides(), 2);
  r.ask("Context=${Add=ip/1/access/${" + access_local + "}}");
  r.ask("Context=${Add=ip/1/access/${" + access_local + "}," + core_side + "," + core_side + "}");
  r.ask("Context=2{Topology{ip/1/core/3,ip/1/core/4,Isolate}}");
  const auto port = between(r.ask("Context=2{AuditValue=ip/1/core/3{Audit{Media}}}"), "m=message ", " ");
  const auto refused = r.ask("Context=2{Move=ip/1/access/1}");
  CHECK_THAT(refused, StartsWith("C=2{MV=ip/1/access/1{ER=510{") && Contains("stream 1"));
  CHECK_THAT(r.ask("Context=1{AuditValue=ip/1/access/1{Audit{Media}}}"), Contains("a=ice-ufrag:"));
  CHECK(between(r.ask("Context=2{AuditValue=ip/1/core/3{Audit{Media}}}"), "m=message ", " ") == port);
  CHECK_THAT(r.ask("Context=2{ContextAudit{Topology}}"), Contains("TP{ip/1/core/3,ip/1/core/4,IS}"));
  CHECK(r.ask("Context=2{W-Subtract=*{Audit{}}}") == "C=2{W-S=*}");
}

TEST_CASE("a signal list goes on where its termination goes", "[iq]") {
  rig r(two_sides());
  r.pass(0s);
  r.ask("Context=${" + core_side + "}");
  r.ask("Context=${" + core_side + "}");
  r.ask("Context=1{Modify=ip/1/core/1{Events=5{g/sc{KeepActive}},Signals{SignalList=3{"
        "tcpbcc/EstBNC{SignalType=TimeOut,Duration=200,NotifyCompletion={TimeOut},Intersignal=100},"
        "tcpbcc/EstBNC{SignalType=TimeOut,Duration=400,NotifyCompletion={TimeOut}}}}}}");
  CHECK(r.ask("Context=2{Move=ip/1/core/1}") == "C=2{MV=ip/1/core/1}");  // the first has ended with it
  CHECK(r.gateway.contexts() == 1);
  CHECK_THAT(r.heard_in_time("g/sc"), Contains("C=2{"));
  r.heard.clear();
  CHECK_THAT(r.heard_in_time("g/sc"), Contains("C=2{"));
}
