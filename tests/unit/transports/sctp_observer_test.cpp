#include "sctp/observer.hpp"

#include <string_view>

#include <catch2/catch.hpp>

#include "sctp/crc32c.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace std::chrono_literals;

namespace {

void put(std::vector<std::byte>& to, std::uint32_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) to.push_back(static_cast<std::byte>(value >> shift));
}

struct chunk {
  std::uint8_t type;
  std::uint32_t tsn;
  std::uint32_t size = 17;  // not a multiple of 4: padding follows
};

std::vector<std::byte> packet(std::initializer_list<chunk> chunks) {
  std::vector<std::byte> out(12);
  for (const auto& c : chunks) {
    put(out, c.type, 1);
    put(out, 3, 1);
    put(out, c.size, 2);
    put(out, c.tsn, 4);
    out.resize(out.size() + (c.size + 3) / 4 * 4 - 8);
  }
  return out;
}

const clock::time_point start{1h};

}  // namespace

TEST_CASE("chunks sent again are retransmissions, and data is outstanding until its last TSN is acknowledged") {
  packet_observer o;
  CHECK(!o.outstanding());
  o.sent(packet({{0, 0xfffffffe}, {0, 0xffffffff}, {0x40, 0}}), start);  // the TSN wraps
  CHECK(o.outstanding());
  CHECK(o.retransmitted_chunks() == 0);
  o.received(packet({{3, 0xffffffff, 16}}), start + 1s);
  CHECK(o.outstanding());
  CHECK(o.last_activity() == start + 1s);
  o.sent(packet({{0, 0}, {0, 1}}), start + 2s);
  CHECK(o.retransmitted_chunks() == 1);
  o.received(packet({{3, 0xffffffff, 16}}), start + 3s);
  CHECK(o.last_activity() == start + 2s);  // nothing new in it
  CHECK(o.silent_since() == start + 3s);
  o.received(packet({{3, 77, 16}}), start + 4s);  // acknowledges what was never sent
  CHECK(o.outstanding());
  o.received(packet({{4, 0}, {3, 1, 16}}), start + 5s);
  CHECK(!o.outstanding());
  o.sent(packet({{0, 2}}), start + 50s);
  CHECK(o.silent_since() == start + 50s);  // silence counts from when an answer is due
}

TEST_CASE("packets without data, and packets cut anywhere, are harmless") {
  packet_observer o;
  o.sent(packet({{1, 5}, {10, 5}, {3, 9, 16}}), start);
  CHECK(!o.outstanding());
  auto whole = packet({{0, 10}, {0x40, 11}, {3, 4, 16}});
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    packet_observer fresh;
    fresh.sent(std::span(whole).first(size), start);
    fresh.received(std::span(whole).first(size), start);
    CHECK(fresh.packets_sent() == 1);
  }
  whole[14] = whole[15] = std::byte{};  // a chunk of length 0 must not be walked for ever
  o.sent(whole, start);
  CHECK(!o.outstanding());
}

TEST_CASE("the checksum is CRC32c, and a packet holds with the right one only") {
  const std::string_view digits = "123456789";
  CHECK(~crc32c(std::as_bytes(std::span(digits))) == 0xe3069283);  // the catalogued check value
  auto p = packet({{0, 1, 1000}, {0, 2, 21}});
  CHECK(!checksum_holds(p));
  seal_checksum(p);
  CHECK(checksum_holds(p));
  for (std::size_t i = 0; i < p.size(); i += 7) {
    p[i] ^= std::byte{0x10};
    CHECK(!checksum_holds(p));
    p[i] ^= std::byte{0x10};
  }
  CHECK(!checksum_holds(std::span(p).first(11)));
  std::vector<std::byte> tiny(5);
  seal_checksum(tiny);
  CHECK(tiny == std::vector<std::byte>(5));
}

TEST_CASE("new data is what lies behind all that was taken; what was refused is new again") {
  packet_observer o;
  const auto first = packet({{0, 0xffffffff}});
  CHECK(o.brings_new_data(first));
  o.refused(start);
  CHECK(o.brings_new_data(first));
  CHECK(o.packets_received() == 1);
  o.received(first, start);
  CHECK_FALSE(o.brings_new_data(first));
  CHECK(o.brings_new_data(packet({{0x40, 0}})));
  o.received(packet({{0x40, 2}}), start);
  CHECK_FALSE(o.brings_new_data(packet({{0x40, 1}, {3, 99, 16}})));  // fills a gap
}

TEST_CASE("a packet without its new data has everything else that is in it, with a checksum of its own") {
  packet_observer o;
  o.received(packet({{0, 10}}), start);
  const auto rest = o.without_new_data(packet({{3, 99, 16}, {0, 11}, {0xc0, 5, 8}, {0x40, 12}, {0, 10}}));
  auto expected = packet({{3, 99, 16}, {0xc0, 5, 8}, {0, 10}});
  seal_checksum(expected);
  CHECK(rest == expected);
  CHECK(o.without_new_data(packet({{0, 11}, {0x40, 12}})).empty());
  const auto whole = packet({{0, 11}, {3, 99, 16}});
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const auto cut = o.without_new_data(std::span(whole).first(size));
    CHECK(cut.empty() == (size < whole.size()));
  }
}
