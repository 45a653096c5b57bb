#include "wic_sdp.hpp"

#include <catch2/catch.hpp>

using namespace agw::controller;
using Catch::Matchers::Contains;

namespace {

// What a browser offers, with its own candidates beside those that are none of a gateway's business.
const std::string browser_offer =
    "v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE data\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n"
    "m=application 51472 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 192.0.2.7\r\n"
    "a=candidate:1 1 udp 2113937151 192.0.2.7 51472 typ host generation 0\r\n"
    "a=candidate:2 1 udp 2113937151 0b7c5f6e-aaaa.local 51473 typ host\r\n"
    "a=candidate:3 1 tcp 1518283007 192.0.2.7 9 typ host tcptype active\r\n"
    "a=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlas\r\na=ice-options:trickle\r\n"
    "a=fingerprint:sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2\r\n"
    "a=setup:actpass\r\na=mid:data\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n";

std::string without(std::string text, const std::string& line_begin) {
  const auto at = text.find(line_begin);
  return text.erase(at, text.find("\r\n", at) + 2 - at);
}

std::string refusal(const std::string& sdp) {
  const auto read = read_wic(sdp);
  return read ? "" : read.error().text;
}

}  // namespace

TEST_CASE("a browser's offer becomes a Remote descriptor of S1") {
  const auto read = read_wic(browser_offer);
  REQUIRE(read.has_value());
  CHECK(read->mid == "data");
  CHECK(read->bundle);
  CHECK(read->channels.empty());
  CHECK_THAT(read->remote, Contains("m=application 51472 UDP/DTLS/SCTP webrtc-datachannel"));
  CHECK_THAT(read->remote, Contains("c=IN IP4 192.0.2.7"));
  CHECK_THAT(read->remote, Contains("a=sctp-port:5000") && Contains("a=setup:actpass") && Contains("a=fingerprint:sha-256 19:E2"));
  CHECK_THAT(read->remote, Contains("192.0.2.7 51472 typ host"));
  CHECK_THAT(read->remote, !Contains(".local") && !Contains("tcptype") && !Contains("extmap") && !Contains("trickle"));
}

TEST_CASE("what the session says of ICE and DTLS counts for its media") {
  auto offer = without(browser_offer, "a=ice-ufrag");
  offer = without(offer, "a=ice-pwd");
  offer.insert(offer.find("m="), "a=ice-ufrag:sess\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n");
  const auto read = read_wic(offer);
  REQUIRE(read.has_value());
  CHECK_THAT(read->remote, Contains("a=ice-ufrag:sess"));
}

TEST_CASE("the old form of the m= line is converted") {
  auto offer = without(browser_offer, "a=sctp-port");
  const std::string line = "m=application 51472 UDP/DTLS/SCTP webrtc-datachannel";
  offer.replace(offer.find(line), line.size(), "m=application 51472 DTLS/SCTP 5001");
  const auto read = read_wic(offer);
  REQUIRE(read.has_value());
  CHECK_THAT(read->remote, Contains("m=application 51472 UDP/DTLS/SCTP webrtc-datachannel") && Contains("a=sctp-port:5001"));
}

TEST_CASE("further media are not ours") {
  const auto read = read_wic(browser_offer + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:a\r\na=ice-ufrag:other\r\n");
  REQUIRE(read.has_value());
  CHECK(read->mid == "data");
  CHECK_THAT(read->remote, !Contains("audio") && !Contains("other") && !Contains("0.0.0.0"));
}

TEST_CASE("a description that lacks what the gateway needs is refused with a sentence") {
  CHECK_THAT(refusal(without(browser_offer, "a=fingerprint")), Contains("a=fingerprint"));
  CHECK_THAT(refusal(without(browser_offer, "a=ice-pwd")), Contains("a=ice-pwd"));
  CHECK_THAT(refusal(without(browser_offer, "a=sctp-port")), Contains("a=sctp-port"));
  CHECK_THAT(refusal("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"), Contains("no m= line"));
  CHECK_THAT(refusal("m=audio 9 RTP/AVP 0\r\n"), Contains("webrtc-datachannel"));
  CHECK_THAT(refusal("hello"), Contains("not SDP"));
}

TEST_CASE("dcmap and dcsa lines of an SDP describe channels") {
  const auto read = read_wic(browser_offer + "a=dcmap:2 subprotocol=\"msrp\";label=\"chat\"\r\na=dcsa:2 setup:active\r\n"
                             "a=dcsa:2 path:msrps://wic.invalid:2855/abc;dc\r\n");
  REQUIRE(read.has_value());
  REQUIRE(read->channels.size() == 1);
  const auto& c = read->channels.front();
  CHECK(c.id == 2);
  CHECK(c.label == "chat");
  CHECK(c.subprotocol == "msrp");
  CHECK(c.setup == "active");
  CHECK(c.path == "msrps://wic.invalid:2855/abc;dc");
}

TEST_CASE("a channel's lines read back as the channel") {
  channel c;
  c.id = 4;
  c.label = "a \"quoted\" label";
  const auto lines = channel_lines(c, "msrp://192.0.2.1:7/x;tcp", "passive", true);
  REQUIRE(lines.size() == 4);
  std::string sdp = browser_offer;
  for (const auto& line : lines) sdp += line + "\r\n";
  const auto read = read_wic(sdp);
  REQUIRE(read.has_value());
  REQUIRE(read->channels.size() == 1);
  CHECK(read->channels.front().id == 4);
  CHECK(read->channels.front().label == c.label);
  CHECK(read->channels.front().path == "msrp://192.0.2.1:7/x;tcp");
  c.id.reset();  // the browser will choose: DCEP
  CHECK(channel_lines(c, "", "", false).front().starts_with("a=dcmap:$ "));
}

TEST_CASE("what the gateway filled in becomes the description for the WIC") {
  const std::string local =
      "v=0\nc=IN IP4 192.0.2.9\nm=application 20002 UDP/DTLS/SCTP webrtc-datachannel\na=setup:passive\na=ice-lite\na=ice-ufrag:gw12\n"
      "a=candidate:1 1 udp 2130706431 192.0.2.9 20002 typ host\na=sctp-port:20002\na=max-message-size:262144\n";
  const auto sdp = description_for_wic(local, "data", true, "active", {"a=dcmap:0 subprotocol=\"msrp\""}, "17 2");
  CHECK(sdp.starts_with("v=0\r\no=- "));
  const auto media = sdp.find("m=application 20002");
  REQUIRE(media != std::string::npos);
  CHECK(sdp.find("a=ice-lite\r\n") < media);  // a session-level attribute (RFC 8839)
  CHECK(sdp.find("a=group:BUNDLE data\r\n") < media);
  CHECK_THAT(sdp, Contains("a=setup:active\r\n") && !Contains("a=setup:passive") && Contains("a=mid:data\r\n"));
  CHECK_THAT(sdp, Contains("a=dcmap:0 subprotocol=\"msrp\"\r\n"));
  const auto at = transport_of(local);
  CHECK(at.address == "192.0.2.9");
  CHECK(at.port == 20002);
  CHECK(at.max_message_size == 262144);
}

TEST_CASE("S1's Local leaves the SCTP port to the gateway unless the WIC knows one only") {
  CHECK_THAT(association_local("passive", std::nullopt), Contains("a=sctp-port:$\n") && Contains("a=setup:passive\n"));
  CHECK_THAT(association_local("actpass", 5000), Contains("a=sctp-port:5000\n"));
}

TEST_CASE("what a WIC takes stands in its Remote, and what the core takes in the gateway's Local") {
  channel c;
  c.id = 0;
  c.path = "msrps://wic.invalid:2855/a;dc";
  c.accept_types = {"text/plain", "image/*"};
  c.max_size = 4000;
  CHECK_THAT(channel_remote(c, true), Contains("a=dcsa:0 accept-types:text/plain image/*\n") && Contains("a=dcsa:0 max-size:4000\n"));
  const auto ours = toward_wic(c);
  CHECK_THAT(channel_local(ours, "msrp://core/b;tcp", "passive", true), Contains("a=dcsa:0 accept-types:*\n") && !Contains("max-size"));
}

TEST_CASE("what a WIC takes is read from its SDP, too") {
  auto sdp = browser_offer + "a=dcmap:0 subprotocol=\"msrp\"\r\na=dcsa:0 path:msrps://w.invalid:2855/a;dc\r\n"
                             "a=dcsa:0 accept-types:text/plain message/cpim\r\na=dcsa:0 max-size:500\r\n";
  const auto read = read_wic(sdp);
  REQUIRE(read.has_value());
  REQUIRE(read->channels.size() == 1);
  CHECK(read->channels[0].accept_types == std::vector<std::string>{"text/plain", "message/cpim"});
  CHECK(read->channels[0].max_size == 500u);
}

TEST_CASE("fingerprints of a filled Local are read, and broken ones are not taken for more than they are") {
  const auto of = [](const std::string& lines) { return fingerprints_of("v=0\nc=IN IP4 127.0.0.1\nm=message 7 TCP/TLS *\n" + lines); };
  std::string digest = "01:AB:ff";
  for (int i = 3; i < 32; ++i) digest += ":00";
  const auto one = of("a=fingerprint:sha-256 " + digest + "\na=fingerprint:md5 01:02\n");
  REQUIRE(one.size() == 1);
  CHECK(one[0].str().starts_with("sha-256 01:AB:FF:00"));
  CHECK(of("").empty());
  CHECK(fingerprints_of("nonsense").empty());
  const auto broken = of("a=fingerprint:sha-256 01:zz:ff\n");
  CHECK(broken.empty());
}

TEST_CASE("an association on an IPv6 interface asks for an IPv6 address") {
  CHECK_THAT(association_local("passive", std::nullopt, true), Contains("c=IN IP6 $\n"));
  CHECK_THAT(association_local("passive", std::nullopt), Contains("c=IN IP4 $\n"));
}
