#include <set>

#include <boost/asio/ip/address.hpp>
#include <catch2/catch.hpp>

#include "agw/transports/error.hpp"
#include "agw/transports/ice_parameters.hpp"

using namespace agw;

TEST_CASE("credentials are random, long enough and made of ice-chars") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto c = ice::make_credentials();
    REQUIRE(ice::valid(c));
    REQUIRE(c.ufrag.size() == 8);
    REQUIRE(c.pwd.size() == 24);
    seen.insert(c.ufrag);
    seen.insert(c.pwd);
  }
  REQUIRE(seen.size() == 200);
}

TEST_CASE("credentials of a wrong length or with other characters are not valid") {
  const auto valid = [](std::size_t ufrag, std::size_t pwd) {
    return ice::valid(ice::credentials{std::string(ufrag, 'a'), std::string(pwd, 'b')});
  };
  REQUIRE(valid(4, 22));
  REQUIRE(valid(256, 256));
  REQUIRE_FALSE(valid(3, 22));
  REQUIRE_FALSE(valid(4, 21));
  REQUIRE_FALSE(valid(257, 22));
  REQUIRE_FALSE(valid(4, 257));
  REQUIRE_FALSE(ice::valid(ice::credentials{"ab:d", std::string(22, 'b')}));
  REQUIRE_FALSE(ice::valid(ice::credentials{"abcd", std::string(21, 'b') + "\n"}));
}

TEST_CASE("candidates are read as RFC 8839 writes them") {
  const auto c = ice::parse_candidate("2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998 generation 0");
  REQUIRE(c.has_value());
  REQUIRE(c->has_value());
  REQUIRE((*c)->foundation == "2");
  REQUIRE((*c)->priority == 1694498815);
  REQUIRE((*c)->address == udp::endpoint(asio::ip::make_address("192.0.2.3"), 45664));
  REQUIRE((*c)->type == ice::candidate_type::server_reflexive);
  const auto v6 = ice::parse_candidate("candidate:a+/9 1 udp 2130706431 2001:db8::5 9000 typ host");
  REQUIRE(v6.has_value());
  REQUIRE((*v6)->address.address().is_v6());
}

TEST_CASE("well-formed candidates that we cannot use are passed over") {
  for (const auto* line : {
           "1 1 tcp 1518280447 192.0.2.3 9 typ host tcptype active",
           "1 2 UDP 2130706430 192.0.2.3 5001 typ host",
           "1 1 UDP 2130706431 0a1b2c3d-0000-4000-8000-123456789abc.local 5000 typ host",
           "1 1 UDP 2130706431 0.0.0.0 5000 typ host",
           "1 1 UDP 2130706431 224.0.0.1 5000 typ host",
           "1 1 UDP 2130706431 192.0.2.3 0 typ host",
           "1 1 UDP 2130706431 192.0.2.3 5000 typ future",
       }) {
    const auto c = ice::parse_candidate(line);
    INFO(line);
    REQUIRE(c.has_value());
    REQUIRE_FALSE(c->has_value());
  }
}

TEST_CASE("malformed candidates are errors") {
  const std::string good = "1 1 UDP 2130706431 192.0.2.3 5000 typ host";
  for (std::size_t size = 0; size < good.size() - 4; ++size) {
    const auto c = ice::parse_candidate(good.substr(0, size));
    INFO(good.substr(0, size));
    REQUIRE(c.has_error());
    REQUIRE(c.error() == transport_error::bad_candidate);
  }
  for (const auto* line : {
           "1  1 UDP 2130706431 192.0.2.3 5000 typ host",
           "! 1 UDP 2130706431 192.0.2.3 5000 typ host",
           "123456789012345678901234567890123 1 UDP 2130706431 192.0.2.3 5000 typ host",
           "1 0 UDP 2130706431 192.0.2.3 5000 typ host",
           "1 257 UDP 2130706431 192.0.2.3 5000 typ host",
           "1 1 UDP 0 192.0.2.3 5000 typ host",
           "1 1 UDP 99999999999 192.0.2.3 5000 typ host",
           "1 1 UDP -1 192.0.2.3 5000 typ host",
           "1 1 UDP 1 192.0.2.3 65536 typ host",
           "1 1 UDP 1 192.0.2.3 5000 type host",
       }) {
    INFO(line);
    REQUIRE(ice::parse_candidate(line).has_error());
  }
}

TEST_CASE("what is written is read again") {
  ice::candidate c;
  c.foundation = "7";
  c.priority = ice::candidate_priority(ice::candidate_type::host, 65535);
  REQUIRE(c.priority == 2130706431);
  c.address = udp::endpoint(asio::ip::make_address("127.0.0.1"), 40000);
  REQUIRE(ice::format_candidate(c) == "7 1 UDP 2130706431 127.0.0.1 40000 typ host");
  const auto again = ice::parse_candidate(ice::format_candidate(c));
  REQUIRE((*again)->address == c.address);
  REQUIRE((*again)->priority == c.priority);
}

TEST_CASE("a candidate that is not the host's own says to what it is related") {
  ice::candidate c;
  c.foundation = "2";
  c.priority = 7;
  c.type = ice::candidate_type::server_reflexive;
  c.address = udp::endpoint(asio::ip::make_address("203.0.113.9"), 40000);
  c.related = udp::endpoint(asio::ip::make_address("10.0.0.1"), 50000);
  CHECK(ice::format_candidate(c) == "2 1 UDP 7 203.0.113.9 40000 typ srflx raddr 10.0.0.1 rport 50000");
  const auto read = ice::parse_candidate(ice::format_candidate(c));
  REQUIRE(read.has_value());
  CHECK((*read)->type == ice::candidate_type::server_reflexive);
}
