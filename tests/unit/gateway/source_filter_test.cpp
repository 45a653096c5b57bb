#include "agw/gateway/source_filter.hpp"

#include <catch2/catch.hpp>

using namespace agw::gateway;
using boost::asio::ip::make_address;

TEST_CASE("address ranges are read with and without prefix, and nothing else is") {
  const auto host = parse_address_range("192.0.2.1");
  REQUIRE(host);
  CHECK(host->prefix_bits == 32);
  CHECK(parse_address_range("2001:db8::/33")->prefix_bits == 33);
  CHECK(parse_address_range("[2001:db8::1]")->prefix_bits == 128);
  for (const char* wrong : {"", "/", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "2001:db8::/129", "host.example", "1.2.3.4/8x"}) {
    CHECK_FALSE(parse_address_range(wrong));
  }
}

TEST_CASE("port ranges have a first and a last port in that order") {
  CHECK(parse_port_range("5000")->last == 5000);
  const auto range = parse_port_range("5000-5010");
  REQUIRE(range);
  CHECK(range->first == 5000);
  CHECK(range->last == 5010);
  for (const char* wrong : {"", "-", "5010-5000", "65536", "1-65536", "a-b", "1-2-3"}) CHECK_FALSE(parse_port_range(wrong));
}

TEST_CASE("a range holds the addresses of its prefix and family only") {
  const auto v4 = *parse_address_range("10.20.30.64/26");
  CHECK(contains(v4, make_address("10.20.30.64")));
  CHECK(contains(v4, make_address("10.20.30.127")));
  CHECK_FALSE(contains(v4, make_address("10.20.30.128")));
  CHECK_FALSE(contains(v4, make_address("10.20.30.63")));
  CHECK_FALSE(contains(v4, make_address("::ffff:10.20.30.64")));
  const auto v6 = *parse_address_range("2001:db8:8000::/33");
  CHECK(contains(v6, make_address("2001:db8:ffff::1")));
  CHECK_FALSE(contains(v6, make_address("2001:db8:7fff::1")));
  CHECK(contains(*parse_address_range("0.0.0.0/0"), make_address("203.0.113.5")));
}

TEST_CASE("a filter without a range of its own takes the remote address and port") {
  source_filter filter;
  const auto remote = make_address("192.0.2.1");
  const auto other = make_address("192.0.2.2");
  CHECK(admits(filter, remote, 5000, other, 1));
  filter.by_address = true;
  CHECK(admits(filter, remote, 5000, remote, 1));
  CHECK_FALSE(admits(filter, remote, 5000, other, 5000));
  filter.by_port = true;
  CHECK_FALSE(admits(filter, remote, 5000, remote, 1));
  CHECK(admits(filter, remote, 5000, remote, 5000));
  filter.ports = parse_port_range("6000-6001");
  CHECK_FALSE(admits(filter, remote, 5000, remote, 5000));
  CHECK(admits(filter, remote, 5000, remote, 6001));
}
