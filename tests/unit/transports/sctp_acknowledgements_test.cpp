#include "sctp/acknowledgements.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::sctp;

namespace {

std::vector<std::byte> sack(std::uint32_t cumulative, std::uint16_t gaps = 0, std::uint16_t duplicates = 0) {
  std::vector<std::byte> out(common_header_bytes + 16 + 4 * std::size_t{gaps} + 4 * std::size_t{duplicates});
  put_word(out, 12, 0x03000000 | static_cast<std::uint32_t>(out.size() - common_header_bytes));
  put_word(out, 16, cumulative);
  put_word(out, 20, 1000);
  put_word(out, 24, std::uint32_t{gaps} << 16 | duplicates);
  return out;
}

std::vector<std::byte> with_data(std::vector<std::byte> packet) {
  std::vector<std::byte> data(20);
  put_word(data, 0, 20);
  append_chunk(packet, packet, data);
  return packet;
}

std::vector<std::size_t> needed(const std::vector<std::vector<std::byte>>& packets, std::size_t kept) {
  datagram_batch batch;
  for (const auto& p : packets) batch.push(p);
  sack_thinning thinning(batch, kept);
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (thinning.needed(packets[i])) out.push_back(i);
  }
  return out;
}

}  // namespace

TEST_CASE("of acknowledgements that came together the last is enough; what brings data is never left out") {
  CHECK(needed({}, 1).empty());
  CHECK(needed({sack(1)}, 1) == std::vector<std::size_t>{0});
  CHECK(needed({sack(1), sack(2), sack(3)}, 1) == std::vector<std::size_t>{2});
  CHECK(needed({sack(1, 2), sack(2, 2), sack(3)}, 1) == std::vector<std::size_t>{2});
  CHECK(needed({sack(1), with_data(sack(2)), sack(3), with_data(sack(3))}, 1) == std::vector<std::size_t>{1, 2, 3});
  CHECK(needed({std::vector<std::byte>(12), std::vector<std::byte>(3), sack(1), sack(2)}, 1) == std::vector<std::size_t>{0, 1, 3});
}

TEST_CASE("an acknowledgement that comes behind a later one is not taken instead of it") {
  CHECK(needed({sack(3), sack(5), sack(4)}, 1) == std::vector<std::size_t>{1, 2});
  CHECK(needed({sack(3), sack(0x1), sack(0xffffffff)}, 1) == std::vector<std::size_t>{0, 1, 2});
  CHECK(needed({sack(0xffffffff), sack(0x1)}, 1) == std::vector<std::size_t>{1});
}

TEST_CASE("four reports of gaps are left for usrsctp, where it finds what is lost") {
  const std::vector<std::vector<std::byte>> many(10, sack(1, 1));
  CHECK(needed(many, 4) == std::vector<std::size_t>{0, 3, 6, 9});
  CHECK(needed({many.begin(), many.begin() + 3}, 4) == std::vector<std::size_t>{0, 1, 2});
  CHECK(needed({sack(1), sack(2), sack(3)}, 4) == std::vector<std::size_t>{2});
}

TEST_CASE("an acknowledgement without its gaps has room for what is behind them") {
  CHECK(without_gaps(sack(5), 700).empty());
  CHECK(without_gaps(with_data(std::vector<std::byte>(common_header_bytes)), 700).empty());
  const auto plain = without_gaps(with_data(sack(5, 3, 2)), 700);
  REQUIRE(plain.size() == common_header_bytes + 16 + 20);
  auto expected = with_data(sack(5));
  put_word(expected, 20, 1700);
  CHECK(plain == expected);
  CHECK(word_at(without_gaps(sack(5, 1), std::size_t{1} << 33), 20) == 0xffffffff);
}
