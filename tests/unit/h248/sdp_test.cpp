#include <agw/h248/sdp.hpp>

#include <string>

#include <catch2/catch.hpp>

using namespace agw::h248;

namespace {

const std::string s1 =
    "v=0\n"
    "c=IN IP4 $\n"
    "m=application $ UDP/DTLS/SCTP webrtc-datachannel\n"
    "a=setup:passive\n"
    "a=fingerprint:sha-256 $\n"
    "a=ice-ufrag:$\n"
    "a=ice-pwd:$\n"
    "a=candidate:$\n"
    "a=x-vendor:anything \"goes\"\n"
    "a=sctp-port:$\n"
    "a=max-message-size:262144\n";

sdp one(std::string_view text) {
  auto read = sdp::parse_one(text);
  REQUIRE(read.has_value());
  return *read;
}

}  // namespace

TEST_CASE("a c= line that asks for an IPv6 address takes no other") {
  sdp ip6 = one("v=0\nc=IN IP6 $\nm=message $ TCP x\n");
  CHECK(ip6.takes_address("2001:db8::7"));
  CHECK_FALSE(ip6.takes_address("192.0.2.7"));
  CHECK_FALSE(ip6.fill_address("192.0.2.7"));
  CHECK(ip6.connection()->choose());  // and is not answered with the other
  CHECK(ip6.fill_address("2001:db8::7"));
  CHECK(ip6.to_text() == "v=0\nc=IN IP6 2001:db8::7\nm=message $ TCP x\n");

  sdp ip4 = one("c=IN IP4 $\nm=message $ TCP x\n");
  CHECK(ip4.takes_address("192.0.2.7"));
  CHECK(ip4.takes_address("2001:db8::7"));
  CHECK(ip4.fill_address("192.0.2.7"));

  sdp both = one("c=IN IP4 $\nm=message $ TCP x\nc=IN IP6 $\n");
  CHECK_FALSE(both.takes_address("192.0.2.7"));
  CHECK_FALSE(both.fill_address("192.0.2.7"));
  CHECK(one("c=IN IP6 ::1\nm=message $ TCP x\n").takes_address("192.0.2.7"));
}

TEST_CASE("an address of the other family is no c= line") {
  for (const char* text : {"c=IN IP4 2001:db8::1", "c=IN IP6 192.0.2.1", "c=IN IP6 224.2.1.1/127"}) {
    INFO(text);
    const auto read = sdp::parse(text);
    REQUIRE(read.has_error());
    CHECK(read.error().expected == "IN IP4 or IN IP6 and an address of that family");
  }
  for (const char* text : {"c=IN IP4 192.0.2.1", "c=IN IP4 224.2.1.1/127", "c=IN IP4 host.example", "c=IN IP6 ::ffff:192.0.2.1",
                           "c=IN IP6 host.example", "c=IN IP6 $", "c=IN IP4 $"}) {
    INFO(text);
    CHECK(sdp::parse(text).has_value());
  }
}

TEST_CASE("a Local with CHOOSE returns whole, every line in its order with the values filled in") {
  sdp local = one(s1);
  CHECK(local.has_choose());
  CHECK(local.asks_for_candidates());
  CHECK(local.connection()->choose());
  CHECK(local.media()->port.choose);
  CHECK(local.sctp_port() == choosable::dollar());
  CHECK(local.fill_address("192.0.2.7"));
  CHECK(local.fill_port(40000));
  CHECK(local.fill_fingerprint("SHA-256", "AB:CD"));
  CHECK(local.fill_attribute("ice-ufrag", "u1"));
  CHECK(local.fill_attribute("ice-pwd", "p1"));
  CHECK(local.fill_attribute("sctp-port", "5001"));
  sdp_candidate host;
  host.foundation = "1";
  host.priority = 2130706431;
  host.address = "192.0.2.7";
  host.port = 40000;
  auto reflexive = host;
  reflexive.type = "srflx";
  reflexive.related_address = "10.0.0.1";
  reflexive.related_port = 9;
  CHECK(local.fill_candidates({host, reflexive}));
  CHECK_FALSE(local.has_choose());
  CHECK(local.to_text() ==
        "v=0\n"
        "c=IN IP4 192.0.2.7\n"
        "m=application 40000 UDP/DTLS/SCTP webrtc-datachannel\n"
        "a=setup:passive\n"
        "a=fingerprint:sha-256 AB:CD\n"
        "a=ice-ufrag:u1\n"
        "a=ice-pwd:p1\n"
        "a=candidate:1 1 UDP 2130706431 192.0.2.7 40000 typ host\n"
        "a=candidate:1 1 UDP 2130706431 192.0.2.7 40000 typ srflx raddr 10.0.0.1 rport 9\n"
        "a=x-vendor:anything \"goes\"\n"
        "a=sctp-port:5001\n"
        "a=max-message-size:262144\n");
}

TEST_CASE("nothing is filled in that was not asked for") {
  sdp local = one("c=IN IP4 192.0.2.1\nm=message 2855 TCP *\na=path:msrp://h:1/s;tcp\n");
  const sdp before = local;
  CHECK_FALSE(local.fill_address("192.0.2.9"));
  CHECK_FALSE(local.fill_port(1));
  CHECK_FALSE(local.fill_attribute("path", "x"));
  CHECK_FALSE(local.fill_candidates({}));
  CHECK_FALSE(local.fill_dcmap_id(1));
  CHECK(local == before);
}

TEST_CASE("an IPv6 address chosen for IP4 changes the address type") {
  sdp local = one("c=IN IP4 $\n");
  CHECK(local.fill_address("2001:db8::1"));
  CHECK(local.to_text() == "c=IN IP6 2001:db8::1\n");
}

TEST_CASE("a dollar inside a label or a longer word chooses nothing") {
  CHECK_FALSE(one("a=dcmap:0 label=\"costs $ 5\"\n").has_choose());
  CHECK_FALSE(one("a=x:a$b\n").has_choose());
  CHECK(one("a=dcmap:$ label=\"x\"\n").has_choose());
  CHECK(one("m=message $ TCP/MSRP *\n").has_choose());
}

TEST_CASE("the component of a data channel is read with its subprotocol attributes") {
  const sdp local = one(
      "v=0\r\n"
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
      "a=dcmap:0 subprotocol=\"msrp\";label=\"chat; 100%25\";ordered=false;max-retr=5;priority=128\r\n"
      "a=dcsa:0 setup:active\r\n"
      "a=dcsa:0 path:msrps://[2001:db8::3]:54111/si438dsaodes;dc\r\n"
      "a=dcsa:0 msrp-cema\r\n");
  CHECK(local.media()->port.value == 9);
  CHECK(local.media()->is_protocol("udp/dtls/sctp"));
  CHECK(local.media()->formats == std::vector<std::string>{"webrtc-datachannel"});
  const auto maps = local.dcmaps();
  REQUIRE(maps.size() == 1);
  CHECK(maps[0].id == choosable::of(0));
  CHECK(maps[0].subprotocol == "msrp");
  CHECK(maps[0].label == "chat; 100%");
  CHECK_FALSE(maps[0].ordered);
  CHECK(maps[0].max_retransmits == 5u);
  CHECK(maps[0].priority == 128);
  CHECK(maps[0].to_text() == "0 subprotocol=\"msrp\";label=\"chat; 100%25\";ordered=false;max-retr=5;priority=128");
  CHECK(local.dcsa(choosable::of(0), "setup") == "active");
  CHECK(local.dcsa(choosable::of(0), "path") == "msrps://[2001:db8::3]:54111/si438dsaodes;dc");
  CHECK(local.dcsa(choosable::of(0), "msrp-cema") == "");
  CHECK_FALSE(local.dcsa(choosable::of(1), "setup"));
}

TEST_CASE("a channel id left to the gateway is filled into the map and its attributes") {
  sdp local = one("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=dcmap:$ subprotocol=\"msrp\"\na=dcsa:$ setup:active\n");
  CHECK(local.fill_dcmap_id(4));
  CHECK(local.to_text() ==
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=dcmap:4 subprotocol=\"msrp\"\na=dcsa:4 setup:active\n");
}

TEST_CASE("labels with bytes that a quoted string cannot hold are escaped") {
  sdp_dcmap map;
  map.label = "a\tb\"\xC3\xA4";
  CHECK(map.to_text() == "0 label=\"a%09b%22%C3%A4\"");
  CHECK(sdp_dcmap::parse(map.to_text())->label == map.label);
}

TEST_CASE("several session descriptions are alternatives") {
  const auto all = sdp::parse("v=0\nm=a 1 X y\nv=0\nm=b 2 X y\n");
  REQUIRE(all.has_value());
  REQUIRE(all->size() == 2);
  CHECK((*all)[1].media()->type == "b");
  CHECK(to_text(*all) == "v=0\nm=a 1 X y\nv=0\nm=b 2 X y\n");
  CHECK(sdp::parse("")->empty());
  CHECK(sdp::parse("  \r\n \n")->empty());
  CHECK(sdp::parse_one("")->empty());
}

TEST_CASE("candidates of every kind are read, host names told apart") {
  const auto browser =
      sdp_candidate::parse("842163049 1 udp 1677729535 203.0.113.9 54321 typ srflx raddr 0.0.0.0 rport 0 generation 0");
  REQUIRE(browser);
  CHECK(browser->is_udp());
  CHECK(browser->type == "srflx");
  CHECK(browser->related_port == 0);
  CHECK(browser->extensions == "generation 0");
  CHECK_FALSE(browser->is_host_name());
  CHECK(sdp_candidate::parse("1 1 udp 1 3f0c.local 5 typ host")->is_host_name());
  CHECK_FALSE(sdp_candidate::parse("1 1 udp 1 2001:db8::1 5 typ host")->is_host_name());
  CHECK(sdp_candidate::parse("1 1 tcp 1 10.0.0.1 9 typ host tcptype active")->extensions == "tcptype active");
}

TEST_CASE("a line that makes no sense is an error with its number and text") {
  const auto broken = [](std::string_view text) {
    const auto read = sdp::parse(text);
    REQUIRE_FALSE(read.has_value());
    return read.error();
  };
  CHECK(broken("v=0\nnonsense\n").line == 2);
  CHECK(broken("v=0\r\nm=application x UDP/DTLS/SCTP y\r\n").line == 2);
  CHECK(broken("m=a 1 X y\nm=b 1 X y\n").expected == "one m= line for each session description");
  CHECK(broken("c=IN IP5 x\n").text == "c=IN IP5 x");
  CHECK(broken("a=setup:sometimes\n").to_text() ==
        "line 1 'a=setup:sometimes': expected active, passive, actpass or holdconn");
  for (const char* line : {"a=fingerprint:sha-256\n", "a=fingerprint:sha-256 XY:00\n",
                           "a=sctp-port:70000\n", "a=sctp-port:\n", "a=max-message-size:-1\n", "a=dcmap:x\n",
                           "a=dcmap:0 label=unquoted\n",
                           "a=dcmap:0 max-retr=1;max-time=1\n", "a=dcsa:0\n", "a=ice-ufrag:\n", "m=a 1\n", "c=IN IP4\n"}) {
    INFO(line);
    CHECK_FALSE(sdp::parse(line).has_value());
  }
}

TEST_CASE("a value cannot bring a line of its own into a description") {
  sdp built;
  built.add('v', "0").add_attribute("label", "x\r\na=setup:active");
  CHECK(built.to_text() == "v=0\na=label:x  a=setup:active\n");
}

TEST_CASE("attributes are replaced and removed by name") {
  sdp built;
  built.add('v', "0").add_attribute("setup", "active").add_attribute("msrp-cema");
  CHECK(built.set_attribute("SETUP", "passive").setup() == setup_role::passive);
  CHECK(built.set_attribute("path", "msrp://x;tcp").path() == "msrp://x;tcp");
  CHECK(built.msrp_cema());
  built.remove_attributes("msrp-cema");
  CHECK_FALSE(built.msrp_cema());
  CHECK(built.to_text() == "v=0\na=SETUP:passive\na=path:msrp://x;tcp\n");
}

TEST_CASE("candidate lines that nobody can use stand in a description and are no candidates") {
  const std::string lines =
      "a=candidate:\na=candidate:1 1 udp\na=candidate:" + std::string(33, 'x') + " 1 udp 1 192.0.2.1 5 typ host\n"
      "a=candidate:1 1 udp 4294967296 192.0.2.1 5 typ host\na=candidate:1 1 udp 1 192.0.2.1 5 typ host\n";
  const auto read = sdp::parse_one("v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n" + lines);
  REQUIRE(read.has_value());
  CHECK(read->candidates().size() == 1);
  CHECK(read->attributes("candidate").size() == 5);
  CHECK(read->to_text().find(lines) != std::string::npos);
}

TEST_CASE("an address of either family may be asked for") {
  for (const auto& [address, line] : {std::pair("192.0.2.1", "c=IN IP4 192.0.2.1\n"), std::pair("2001:db8::1", "c=IN IP6 2001:db8::1\n")}) {
    auto read = sdp::parse_one("c=IN $ $\n");
    REQUIRE(read.has_value());
    CHECK(read->has_choose());
    CHECK(read->connection()->any_family);
    CHECK(read->connection()->choose());
    CHECK(read->to_text() == "c=IN $ $\n");
    CHECK(read->takes_address(address));
    CHECK(read->fill_address(address));
    CHECK(read->to_text() == line);
  }
  CHECK_FALSE(sdp::parse("c=IN $ 192.0.2.1\n").has_value());
  CHECK_FALSE(sdp::parse("c=IN $ \n").has_value());
}
