#include "sctp/window.hpp"

#include <catch2/catch.hpp>

#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

using namespace agw;
using namespace agw::sctp;

namespace {

/// A packet with a SACK of one gap block that announces `window`, and a DATA chunk behind it.
std::vector<std::byte> packet_with_sack(std::uint32_t window) {
  std::vector<std::byte> p(common_header_bytes + 20 + 20);
  put_word(p, 0, 0x13881388);
  put_word(p, 4, 0xabcd0123);
  put_word(p, 12, 0x03000014);
  put_word(p, 16, 4711);    // cumulative TSN
  put_word(p, 20, window);
  put_word(p, 24, 0x00010000);
  put_word(p, 28, 0x00020003);
  put_word(p, 32, 0x00030014);
  seal_checksum(p);
  return p;
}

std::uint32_t window_in(bytes_view p) { return word_at(p, 20); }

}  // namespace

TEST_CASE("a smaller window is written into the SACK, and the packet sealed again; nothing else changes") {
  window_announcer w;
  auto p = packet_with_sack(100000);
  const auto room = window_announcer::announced(p);
  REQUIRE(room);
  CHECK(*room == 100000);
  w.write(p, 3000);
  CHECK(window_in(p) == 3000);
  CHECK(checksum_holds(p));
  CHECK(w.limited());
  CHECK(w.room() == 100000);
  put_word(p, 20, 100000);
  seal_checksum(p);
  CHECK(p == packet_with_sack(100000));
}

TEST_CASE("a window that is no smaller than SCTP's own is left alone") {
  window_announcer w;
  auto p = packet_with_sack(5000);
  w.write(p, 5000);
  CHECK(p == packet_with_sack(5000));
  w.write(p, 90000);
  CHECK(p == packet_with_sack(5000));
  CHECK_FALSE(w.limited());
}

TEST_CASE("an update is the last SACK alone with the larger window, and only when the difference is worth a packet") {
  window_announcer w;
  auto p = packet_with_sack(100000);
  w.write(p, 0);
  CHECK(w.update(1000).empty());
  const auto update = w.update(30000);
  REQUIRE(update.size() == common_header_bytes + 20);
  CHECK(window_in(update) == 30000);
  CHECK(word_at(update, 16) == 4711);
  CHECK(word_at(update, 4) == 0xabcd0123);
  CHECK(checksum_holds(update));
  CHECK(w.update(31000).empty());
  CHECK(window_in(w.update(200000)) == 100000);
  CHECK_FALSE(w.limited());
  CHECK(w.update(200000).empty());
}

TEST_CASE("packets without a SACK, cut ones and garbage are left alone") {
  window_announcer w;
  const auto whole = packet_with_sack(100000);
  for (std::size_t size = 0; size < common_header_bytes + 20; ++size) {
    std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto before = cut;
    CHECK_FALSE(window_announcer::announced(cut));
    w.write(cut, 1);
    CHECK(cut == before);
  }
  CHECK_FALSE(w.limited());
}
