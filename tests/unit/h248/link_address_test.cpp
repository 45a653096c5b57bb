#include <catch2/catch.hpp>

#include <agw/h248/error.hpp>
#include <agw/h248/link_address.hpp>
#include <agw/h248/link_rest.hpp>

using namespace agw;
using namespace agw::h248;

TEST_CASE("peers are named by host and port, with the transport in front if it is not UDP") {
  const auto check = [](const char* text, peer_name expected, const char* written = nullptr) {
    CAPTURE(text);
    const auto parsed = peer_name::parse(text);
    REQUIRE(parsed.has_value());
    REQUIRE(*parsed == expected);
    REQUIRE(to_text(*parsed) == (written != nullptr ? written : text));
  };
  check("127.0.0.1:2944", {transport::udp, "127.0.0.1", 2944});
  check("127.0.0.1", {transport::udp, "127.0.0.1", 2944}, "127.0.0.1:2944");
  check("tcp:10.0.0.1:5000", {transport::tcp, "10.0.0.1", 5000});
  check("SCTP:mgc.example", {transport::sctp, "mgc.example", 2944}, "sctp:mgc.example:2944");
  check("udp:[::1]:99", {transport::udp, "::1", 99}, "[::1]:99");
  check("[2001:db8::1]", {transport::udp, "2001:db8::1", 2944}, "[2001:db8::1]:2944");
  check("tcp:5000", {transport::udp, "tcp", 5000});
  check("127.0.0.1:0", {transport::udp, "127.0.0.1", 0});
  REQUIRE(peer_name::parse("10.0.0.1", transport::tcp).value().via == transport::tcp);
}

TEST_CASE("what is no peer is refused") {
  for (const auto* text : {"", ":2944", "host:", "host:99999", "host:12x", "[::1", "[::1]2944", "[10.0.0.1]:5", "::1", "a b", "-x", "tcp:",
                           "host:1:2", "h\n"}) {
    CAPTURE(text);
    REQUIRE(peer_name::parse(text).error() == make_error_code(errc::bad_address));
  }
}

TEST_CASE("from an IPv4 address only IPv4 is reached, from an IPv6 one both may be") {
  const auto at = [](const char* host) { return peer_address{transport::udp, agw::asio::ip::make_address(host), 2944}; };
  const std::vector<peer_address> all{at("2001:db8::1"), at("192.0.2.1"), at("2001:db8::2"), at("192.0.2.2")};
  CHECK(reachable_from(at("10.0.0.1").host, all) == std::vector<peer_address>{all[1], all[3]});
  CHECK(reachable_from(at("0.0.0.0").host, all) == std::vector<peer_address>{all[1], all[3]});
  CHECK(reachable_from(at("::").host, all) == all);
  CHECK(reachable_from(at("2001:db8::1").host, all) == std::vector<peer_address>{all[0], all[2]});
  for (const char* broken : {"256.1.1.1", "10.0.0", "mgc.example.7"}) CHECK_FALSE(peer_name::parse(broken).has_value());
}

TEST_CASE("a dual-stack socket's mapped addresses are those of IPv4") {
  const auto at = [](const char* host) { return agw::asio::ip::make_address(host); };
  CHECK(unmapped(at("::ffff:192.0.2.1")) == at("192.0.2.1"));
  CHECK(unmapped(at("2001:db8::1")) == at("2001:db8::1"));
  CHECK(unmapped(at("192.0.2.1")) == at("192.0.2.1"));
  CHECK(mapped_for(at("::"), at("192.0.2.1")) == at("::ffff:192.0.2.1"));
  CHECK(mapped_for(at("::"), at("2001:db8::1")) == at("2001:db8::1"));
  CHECK(mapped_for(at("10.0.0.1"), at("192.0.2.1")) == at("192.0.2.1"));
}

TEST_CASE("a peer that could not be reached rests longer each time, until it is reached") {
  peer_rest resting(std::chrono::seconds(1), std::chrono::seconds(4));
  const peer_address peer{transport::tcp, agw::asio::ip::make_address("192.0.2.1"), 2944};
  agw::clock::time_point now(std::chrono::seconds(100));
  for (const int seconds : {1, 2, 4, 4}) {
    resting.failed(peer, now);
    now += std::chrono::seconds(seconds) - std::chrono::milliseconds(1);
    CHECK(resting.rests(peer, now));
    now += std::chrono::milliseconds(1);
    CHECK_FALSE(resting.rests(peer, now));
    resting.forget_old(now);
    CHECK(resting.size() == 1);
  }
  resting.reached(peer);
  resting.failed(peer, now);
  CHECK_FALSE(resting.rests(peer, now + std::chrono::seconds(1)));
  resting.forget_old(now + std::chrono::seconds(6));
  CHECK(resting.size() == 0);
}

TEST_CASE("message identifiers are read as they are written") {
  for (const auto* text : {"[10.0.0.1]:2944", "[10.0.0.1]", "[2001:db8::1]:55555", "<mg.example.org>:2944", "<mg>", "mtp{12ab34}", "agw/1",
                           "gw@example.org"}) {
    CAPTURE(text);
    const auto parsed = mid_name::parse(text);
    REQUIRE(parsed.has_value());
    REQUIRE(to_text(mid(*parsed)) == text);
  }
  REQUIRE(to_text(mid(mid_name::parse("<MG.Example>:1").value())) == "<mg.example>:1");
  for (const auto* text : {"", "[10.0.0.1", "[mg]", "[10.0.0.1]:0", "<>", "<a b>", "MTP{12}", "MTP{123456789}", "1mg", "mg gw"}) {
    CAPTURE(text);
    REQUIRE(mid_name::parse(text).error() == make_error_code(errc::bad_mid));
  }
}

TEST_CASE("a message identifier with an address says where to go") {
  REQUIRE(peer_of(mid_name::parse("[10.0.0.1]:5000").value(), transport::tcp) == peer_name{transport::tcp, "10.0.0.1", 5000});
  REQUIRE(peer_of(mid_name::parse("<mgc.example>").value(), transport::udp) == peer_name{transport::udp, "mgc.example", 2944});
  REQUIRE_FALSE(peer_of(mid_name::parse("agw/1").value(), transport::udp));
  REQUIRE_FALSE(peer_of(mid_name::parse("MTP{1234}").value(), transport::udp));
  const peer_address address{transport::udp, asio::ip::make_address("::1"), 77};
  REQUIRE(to_text(mid(mid_name::of(address))) == "[::1]:77");
  REQUIRE(numeric(peer_name{transport::udp, "mgc.example", 1}).error() == make_error_code(errc::bad_address));
  // 2944 is SCTP's own port: in UDP its packets have another one.
  CHECK(peer_of(mid{mid::form::ip4, "192.0.2.1", 2944}, transport::sctp_over_udp)->port == 9899);
  CHECK(peer_of(mid{mid::form::ip4, "192.0.2.1", std::nullopt}, transport::sctp_over_udp)->port == 9899);
  CHECK(peer_of(mid{mid::form::ip4, "192.0.2.1", 5000}, transport::sctp_over_udp)->port == 5000);
}
