// Events and signals: what is notified, what becomes active, what a signal's life is.
#include "rig.hpp"

#include "agw/core/sockets.hpp"

using namespace agw::iq::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

const std::string modify = "Context=1{Modify=ip/1/core/1{";
const std::string audit_signals = "Context=1{AuditValue=ip/1/core/1{Audit{Signals}}}";
const std::string audit_events = "Context=1{AuditValue=ip/1/core/1{Audit{Events}}}";

/// A signal that completes at once, which makes a g/sc.
const std::string brief = "Signals{tcpbcc/EstBNC{NotifyCompletion={TimeOut}}}";

}  // namespace

TEST_CASE("an event notifies, and what it embeds becomes active", "[iq]") {
  rig r;
  r.ask(add_core(",Events=5{g/sc{Embed{Events=6{g/cause}}}}," + brief));
  const auto notify = r.heard_of("g/sc");
  CHECK_THAT(notify, Contains("N=ip/1/core/1{OE=5{"));
  CHECK_THAT(notify, Contains("SigID=\"tcpbcc/EstBNC\""));
  CHECK_THAT(notify, Contains("Meth=TO"));
  CHECK_THAT(r.ask(audit_events), Contains("E=6{g/cause}"));
}

TEST_CASE("ResetEventsDescriptor returns to what the controller asked for", "[iq]") {
  rig r;
  r.ask(add_core(",Events=5{g/sc{Embed{Events=6{g/sc{ResetEventsDescriptor}}}}}," + brief));
  r.heard_of("OE=5{");
  CHECK_THAT(r.ask(audit_events), Contains("E=6{"));
  r.ask(modify + brief + "}}");
  r.heard_of("OE=6{");
  CHECK_THAT(r.ask(audit_events), Contains("E=5{"));
}

TEST_CASE("NeverNotify keeps an event from the controller, and not what it embeds from being active", "[iq]") {
  rig r;
  r.ask(add_core(",Events=5{g/sc{NeverNotify,Embed{Events=6{g/sc}}}}," + brief));
  r.ask_until(audit_events, "E=6{");
  CHECK_FALSE(r.heard_already("OE=5{"));
  r.ask(modify + brief + "}}");
  r.heard_of("OE=6{");
}

TEST_CASE("an event names a stream where it was asked for one", "[iq]") {
  rig r;
  r.ask(add_core(",Events=5{g/sc{Stream=7}},Signals{tcpbcc/EstBNC{Stream=2,NotifyCompletion={TimeOut}}}"));
  r.ask(modify + "Events=6{g/sc{Stream=2}},Signals{tcpbcc/EstBNC{Stream=2,NotifyCompletion={TimeOut}}}}}");
  CHECK_THAT(r.heard_of("OE=6{"), Contains("ST=2"));
  CHECK_FALSE(r.heard_already("OE=5{"));
}

TEST_CASE("signals last as their type says, and end with the next descriptor unless kept", "[iq]") {
  rig r;
  r.ask(add_core(",Events=5{g/sc},Signals{tcpbcc/EstBNC{SignalType=OnOff,NotifyCompletion={IntBySigDescr}}}"));
  CHECK_THAT(r.ask(audit_signals), Contains("tcpbcc/EstBNC"));
  r.ask(modify + "Signals{tcpbcc/EstBNC{KeepActive}}}}");
  CHECK_THAT(r.ask(audit_signals), Contains("tcpbcc/EstBNC"));
  r.ask(modify + "Signals}}");
  CHECK_THAT(r.ask(audit_signals), !Contains("tcpbcc/EstBNC"));
  CHECK_THAT(r.heard_of("g/sc"), Contains("Meth=SD"));
}

TEST_CASE("a signal with a duration ends by itself", "[iq]") {
  rig r;
  r.pass(0s);
  r.ask(add_core(",Events=5{g/sc},Signals{tcpbcc/EstBNC{SignalType=TimeOut,Duration=500,NotifyCompletion={TimeOut}}}"));
  r.pass(0s);  // its timer runs
  r.pass(4s);
  CHECK_THAT(r.ask(audit_signals), Contains("tcpbcc/EstBNC"));
  CHECK_FALSE(r.heard_already("g/sc"));
  r.pass(1s);
  r.heard_of("g/sc");
  CHECK_THAT(r.ask(audit_signals), !Contains("tcpbcc/EstBNC"));
  CHECK_THAT(r.heard_of("g/sc"), Contains("Meth=TO"));
}

TEST_CASE("a relation in an event's parameter narrows it too", "[iq]") {
  rig r;
  r.ask(add_core(",Events=5{g/sc{Meth#TO}}," + brief));
  r.ask(modify + "Events=6{g/sc{Meth#EV}}," + brief + "}}");
  CHECK_FALSE(r.heard_already("OE=5{"));
  r.heard_of("OE=6{");
}

TEST_CASE("RegulatedNotify lets the configured part of the events through", "[iq]") {
  auto config = two_sides();
  config.regulated_notify_percent = 50;
  rig r(config);
  r.pass(0s);
  const std::string told = "Embed{Events=7{hangterm/thb{timerx=10,ResetEventsDescriptor}}}";
  const std::string kept_back = "RegulatedNotify{Embed{Events=6{hangterm/thb{timerx=10}}}}";
  r.ask(add_core(",Events=5{hangterm/thb{timerx=10," + told + "," + kept_back + "}}"));
  r.heard_in_time("OE=5{");
  r.heard_in_time("OE=7{");  // which returns to the first
  r.heard.clear();
  // The second one is kept back, and what stands for that becomes active.
  r.heard_in_time("OE=6{");
  CHECK_FALSE(r.heard_already("OE=5{"));
}

TEST_CASE("a heartbeat that another one brings into force comes in its own time", "[iq]") {
  rig r;
  r.pass(0s);
  r.ask(add_core(",Events=5{hangterm/thb{timerx=60,Embed{Events=7{hangterm/thb{timerx=10}}}}}"));
  for (int i = 0; i < 59; ++i) r.pass(1s);
  CHECK_FALSE(r.heard_already("OE=5{"));
  for (int i = 0; i < 3; ++i) r.pass(1s);
  CHECK(r.heard_already("OE=5{"));
  for (int i = 0; i < 12; ++i) r.pass(1s);
  CHECK(r.heard_already("OE=7{"));
}

TEST_CASE("RegulatedNotify of none is the first of each", "[iq]") {
  auto config = two_sides();
  config.regulated_notify_percent = 0;
  rig r(config);
  r.pass(0s);
  r.ask(add_core(",Events=5{hangterm/thb{timerx=10,RegulatedNotify}}"));
  r.heard_in_time("OE=5{");
  r.heard.clear();
  for (int i = 0; i < 25; ++i) r.pass(1s);
  CHECK_FALSE(r.heard_already("OE=5{"));
  r.ask(modify + "Events=6{hangterm/thb{timerx=10,RegulatedNotify}}}}");
  r.heard_in_time("OE=6{");
}

TEST_CASE("the signals of a list play one after the other", "[iq]") {
  rig r;
  r.pass(0s);
  r.ask(add_core(",Events=5{g/sc{KeepActive}},Signals{SignalList=3{tcpbcc/EstBNC{SignalType=TimeOut,Duration=200,NotifyCompletion={TimeOut}},"
                 "sctpbcc/EstBNC{SignalType=TimeOut,Duration=300,NotifyCompletion={TimeOut}}}}"));
  r.ask_until(audit_signals, "SL=3{tcpbcc/EstBNC");
  const auto first = r.heard_in_time("g/sc");
  CHECK_THAT(first, Contains("SigID=\"tcpbcc/EstBNC\""));
  CHECK_THAT(first, Contains("SLID=3"));
  r.ask_until(audit_signals, "sctpbcc/EstBNC");
  // The same list again goes on undisturbed.
  r.ask(modify + "Signals{SignalList=3{tcpbcc/EstBNC{SignalType=TimeOut,Duration=200}}}}}");
  r.heard.clear();
  CHECK_THAT(r.heard_in_time("g/sc"), Contains("SigID=\"sctpbcc/EstBNC\""));
  CHECK_THAT(r.ask(audit_signals), !Contains("SL=3"));
}

TEST_CASE("a list ends with the descriptor that leaves it out, and with an event", "[iq]") {
  rig r;
  r.pass(0s);
  const std::string list = "Signals{SignalList=3{tcpbcc/EstBNC{SignalType=TimeOut,Duration=200,NotifyCompletion={TimeOut},Intersignal=1000},"
                           "sctpbcc/EstBNC{SignalType=OnOff}}}";
  r.ask(add_core(",Events=5{g/sc}," + list));
  r.heard_in_time("OE=5{");  // an event without KeepActive, and the list is over
  r.pass(20s);
  CHECK_THAT(r.ask(audit_signals), !Contains("EstBNC"));
  r.ask(modify + "Events=6{g/sc{KeepActive}}," + list + "}}");
  r.heard_in_time("OE=6{");  // between its two signals
  CHECK_THAT(r.ask(audit_signals), !Contains("EstBNC"));
  r.ask(modify + list + "}}");
  for (int i = 0; i < 11; ++i) r.pass(1s);
  r.ask_until(audit_signals, "SL=3{sctpbcc/EstBNC");
  r.ask(modify + "Signals}}");
  CHECK_THAT(r.ask(audit_signals), !Contains("EstBNC"));
}

TEST_CASE("an event ends the signals, unless it says KeepActive", "[iq]") {
  rig r;
  const std::string signals = "Signals{tcpbcc/EstBNC{SignalType=OnOff},sctpreset/reset{NotifyCompletion={TimeOut}}}";
  r.ask(add_core(",Events=5{g/sc{KeepActive}}," + signals));
  r.heard_of("OE=5{");
  CHECK_THAT(r.ask(audit_signals), Contains("tcpbcc/EstBNC"));
  r.ask(modify + "Events=6{g/sc}," + signals + "}}");
  r.heard_of("OE=6{");
  CHECK_THAT(r.ask(audit_signals), !Contains("tcpbcc/EstBNC"));
}

TEST_CASE("a bearer that the network refuses is told in each word that was asked for", "[iq]") {
  rig r;
  // A port that was ours a moment ago: nobody listens there.
  agw::tcp_acceptor gone(r.loop, {agw::asio::ip::make_address("127.0.0.1"), 0});
  const auto port = std::to_string(gone.local_endpoint().port());
  gone.close();
  r.ask("Context=${Add=ip/1/core/${Events=5{tcpbcc/BNCChange{Type=Fail},nt/netfail,g/cause},Media{Stream=1{LocalControl{Mode=SendReceive},"
        "Local{v=0\r\nc=IN IP4 $\r\nm=message $ TCP *\r\na=setup:active\r\n},"
        "Remote{v=0\r\nc=IN IP4 127.0.0.1\r\nm=message " + port + " TCP *\r\na=setup:passive\r\n}}}}}");
  CHECK_THAT(r.heard_of("tcpbcc/BNCChange"), Contains("Cause=\"tcp:refused\""));
  CHECK_THAT(r.heard_of("nt/netfail"), Contains("cs=\"tcp:refused\""));
  CHECK_THAT(r.heard_of("g/cause"), Contains("Generalcause=FT"));
}

TEST_CASE("a learnt address is told as adr/rsac", "[iq]") {
  rig r;
  const auto reply = r.ask("Context=${Add=ip/1/core/${Events=5{adr/rsac},Media{Stream=1{LocalControl{Mode=SendReceive},"
                           "Local{v=0\r\nc=IN IP4 $\r\nm=message $ TCP *\r\na=setup:passive\r\n},"
                           "Remote{v=0\r\nc=IN IP4 127.0.0.2\r\nm=message 9 TCP *\r\na=setup:active\r\n}}},"
                           "Signals{ipnapt/latch{napt=LATCH}}}}");
  const auto port = static_cast<std::uint16_t>(std::stoi(between(reply, "m=message ", " ")));
  agw::tcp_socket from(r.loop);
  from.connect({agw::asio::ip::make_address("127.0.0.1"), port});
  const auto notify = r.heard_of("adr/rsac");
  CHECK_THAT(notify, Contains("nrsa=\"127.0.0.1\""));
  CHECK_THAT(notify, Contains("nrsp=" + std::to_string(from.local_endpoint().port())));
}

TEST_CASE("what an MGC did not hear is told to the next one", "[iq]") {
  rig r;
  r.pass(0s);
  r.ask(add_core(",Events=5{hangterm/thb{timerx=10},g/sc{KeepActive}}"));
  r.cut_off(true);
  for (int i = 0; i < 90; ++i) r.pass(1s);  // nobody answers, and the registration is lost
  r.ask(modify + brief + "}}");
  r.cut_off(false);
  r.heard_in_time("g/sc");
  CHECK(r.heard_already("hangterm/thb"));
}
