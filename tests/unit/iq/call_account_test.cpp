#include "call_account.hpp"

#include <catch2/catch.hpp>

#include "records.hpp"

using namespace agw;
using namespace agw::iq;
using namespace std::chrono_literals;

namespace {

using kind = gateway::gateway_event::kind;
constexpr clock::time_point start{1h};

gateway::gateway_event event(kind what, gateway::layer layer, const std::string& cause = {}, std::uint32_t termination = 1) {
  gateway::gateway_event out;
  out.what = what;
  out.termination = gateway::termination_id{termination};
  out.stream = gateway::stream_number{1};
  out.layer = layer;
  out.stage = gateway::to_text(layer);
  out.cause = cause;
  return out;
}

termination_record termination(const std::string& name, stream_kind of) {
  termination_record out;
  out.name = name;
  out.streams[1].kind = of;
  return out;
}

gateway::termination_statistics counted(std::uint64_t sent, std::uint64_t received, const std::string& peer = {}) {
  gateway::termination_statistics out;
  auto& s = out[gateway::stream_number{1}];
  s.octets_sent = sent;
  s.octets_received = received;
  s.peer = peer;
  return out;
}

call_octets octets(std::uint64_t forward, std::uint64_t backward) {
  call_octets out;
  out.to_core = forward;
  out.from_core = backward;
  return out;
}

}  // namespace

TEST_CASE("a call that nothing ended before is the one's who ended it") {
  call_account call;
  CHECK_FALSE(call.began());
  CHECK(call.begin(start, "192.0.2.1:2944"));
  CHECK_FALSE(call.begin(start + 1s, "192.0.2.2:2944"));
  call.happened(event(kind::established, gateway::layer::ice));
  CHECK(call.cause().empty());
  CHECK(call.controller() == "192.0.2.1:2944");
  CHECK(call.duration(start + 90s) == 90s);
}

TEST_CASE("a failure is the cause, by its words, and the first one counts") {
  call_account call;
  call.happened(event(kind::failed, gateway::layer::tcp, "tcp:refused", 2));
  call.happened(event(kind::failed, gateway::layer::ice, "ice:timeout"));
  call.happened(event(kind::released, gateway::layer::dtls));
  CHECK(call.cause() == "tcp:refused");
}

TEST_CASE("a peer that closes in order is the cause, and what fails behind it is none") {
  call_account wic;
  wic.happened(event(kind::released, gateway::layer::dtls));
  wic.happened(event(kind::failed, gateway::layer::tcp, "tcp:reset", 2));
  CHECK(wic.cause() == "wic");
  call_account core;
  core.happened(event(kind::released, gateway::layer::tls, {}, 2));
  core.happened(event(kind::released, gateway::layer::channel));
  CHECK(core.cause() == "core");
}

TEST_CASE("a layer that came up again has not ended the call") {
  call_account call;
  call.happened(event(kind::failed, gateway::layer::tcp, "tcp:refused"));
  call.happened(event(kind::established, gateway::layer::tcp));
  CHECK(call.cause().empty());
  call.happened(event(kind::released, gateway::layer::dtls));
  call.happened(event(kind::established, gateway::layer::dtls, {}, 9));
  CHECK(call.cause() == "wic");
  call.happened(event(kind::established, gateway::layer::dtls));
  CHECK(call.cause().empty());
  call.happened(event(kind::failed, gateway::layer::sctp, "sctp:abort"));
  CHECK(call.cause() == "sctp:abort");
}

TEST_CASE("what ends because the controller says so is not its peer's doing") {
  call_account call;
  call.hold();
  call.hold();
  call.happened(event(kind::released, gateway::layer::tcp));
  call.release();
  call.happened(event(kind::failed, gateway::layer::tcp, "tcp:reset"));
  call.release();
  CHECK(call.cause().empty());
  call.happened(event(kind::released, gateway::layer::tcp));
  CHECK(call.cause() == "core");
}

TEST_CASE("the octets of channels and bearers are added up, and associations say where the WIC is") {
  call_account call;
  call.count(termination("ip/1/access/1", stream_kind::association), counted(5'000, 6'000, "203.0.113.5:4242"));
  call.count(termination("ip/1/access/1", stream_kind::channel), counted(100, 200));
  call.count(termination("ip/1/core/2", stream_kind::bearer), counted(210, 95, "192.0.2.7:2855"));
  CHECK(call.octets().to_wic == 100);
  CHECK(call.octets().from_wic == 200);
  CHECK(call.octets().to_core == 210);
  CHECK(call.octets().from_core == 95);
  CHECK(call.octets().forward() == 210);
  CHECK(call.octets().backward() == 100);
  CHECK(call.wic() == "203.0.113.5:4242");
  CHECK(call.core() == "192.0.2.7:2855");
  CHECK(call.terminations() == "ip/1/access/1,ip/1/core/2");
}

TEST_CASE("a call is one-way when data came from one side only for long enough") {
  call_account call;
  CHECK_FALSE(call.carried(octets(0, 0), start));
  CHECK_FALSE(call.carried(octets(0, 0), start + 10min));
  CHECK_FALSE(call.carried(octets(7, 0), start + 10min));
  CHECK_FALSE(call.carried(octets(7, 0), start + 10min + 29s));
  CHECK_FALSE(call.one_way());
  CHECK(call.carried(octets(9, 0), start + 10min + 30s));
  CHECK(call.one_way());
  CHECK_FALSE(call.carried(octets(11, 0), start + 10min + 40s));
  CHECK(call.carried(octets(11, 1), start + 10min + 50s));
  CHECK_FALSE(call.one_way());
}
