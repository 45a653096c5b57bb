#include "agw/transports/dcep.hpp"

#include <catch2/catch.hpp>

#include "agw/transports/error.hpp"

using namespace agw::sctp;

namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

}  // namespace

TEST_CASE("an OPEN is written and read as RFC 8832, 5.1 lays it out") {
  dcep_open open;
  open.ordered = false;
  open.policy = reliability::retransmits;
  open.parameter = 3;
  open.priority = 512;
  open.label = "ab";
  open.protocol = "msrp";
  const auto golden = bytes({0x03, 0x81, 0x02, 0x00, 0, 0, 0, 3, 0, 2, 0, 4, 'a', 'b', 'm', 's', 'r', 'p'});
  CHECK(compose(open) == golden);
  const auto parsed = parse_dcep(golden);
  REQUIRE(parsed.has_value());
  const auto& back = std::get<dcep_open>(*parsed);
  CHECK(back.ordered == false);
  CHECK(back.policy == reliability::retransmits);
  CHECK(back.parameter == 3);
  CHECK(back.priority == 512);
  CHECK(back.label == "ab");
  CHECK(back.protocol == "msrp");
}

TEST_CASE("an ACK is one octet, and padding is passed") {
  const auto golden = bytes({0x02});
  CHECK(compose(dcep_ack()) == golden);
  const auto parsed = parse_dcep(golden);
  REQUIRE(parsed.has_value());
  CHECK(std::holds_alternative<dcep_ack>(*parsed));
  const auto padded = parse_dcep(bytes({0x02, 0, 0, 0}));
  REQUIRE(padded.has_value());
  CHECK(std::holds_alternative<dcep_ack>(*padded));
  CHECK(parse_dcep(bytes({0x02, 0, 0, 0, 0})).has_error());
}

TEST_CASE("every truncation, octets behind the end, and unknown types are refused") {
  dcep_open open;
  open.label = "label";
  open.protocol = "protocol";
  auto whole = compose(open);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto parsed = parse_dcep(std::span(whole).first(size));
    REQUIRE(parsed.has_error());
    CHECK(parsed.error() == agw::transport_error::bad_dcep);
  }
  auto longer = whole;
  longer.push_back(std::byte{});
  CHECK(parse_dcep(longer).has_error());
  for (const int type : {0x03, 0x04, 0x7f, 0x83, 0xff}) {
    auto wrong = whole;
    wrong[1] = static_cast<std::byte>(type);
    CHECK(parse_dcep(wrong).has_error());
  }
  CHECK(parse_dcep(bytes({0x01})).has_error());
  CHECK(parse_dcep(bytes({0x00})).has_error());
}

TEST_CASE("a reliable channel has no reliability parameter, whatever the peer writes there") {
  const auto parsed = parse_dcep(bytes({0x03, 0x00, 0x01, 0x00, 9, 9, 9, 9, 0, 0, 0, 0}));
  REQUIRE(parsed.has_value());
  CHECK(std::get<dcep_open>(*parsed).parameter == 0);
}

TEST_CASE("labels are cut at what the length field can say") {
  dcep_open open;
  open.label.assign(70000, 'x');
  const auto parsed = parse_dcep(compose(open));
  REQUIRE(parsed.has_value());
  CHECK(std::get<dcep_open>(*parsed).label.size() == 65535);
}
