#include "sctp/path_watch.hpp"

#include <catch2/catch.hpp>

#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{1h};

std::vector<std::byte> packet_with_tag(std::uint32_t tag) {
  std::vector<std::byte> p(common_header_bytes + 16);
  put_word(p, 0, 0x13891388);
  put_word(p, 4, tag);
  return p;
}

path_watch watch() {
  path_watch w(15s, 30s);
  w.sent(packet_with_tag(0x01020304));
  w.start(start);
  return w;
}

}  // namespace

TEST_CASE("a heartbeat is due after the silence, has the association's ports and tag, and is repeated until the peer is lost") {
  auto w = watch();
  CHECK(w.next_deadline() == start + 15s);
  CHECK(w.heartbeat(start + 14s).empty());
  const auto h = w.heartbeat(start + 15s);
  REQUIRE(h.size() == common_header_bytes + 16);
  CHECK(word_at(h, 0) == 0x13891388);
  CHECK(word_at(h, 4) == 0x01020304);
  CHECK(word_at(h, 12) == 0x04000010);
  CHECK(word_at(h, 16) == 0x0001000c);
  CHECK(checksum_holds(h));
  int asked = 1;
  auto now = start + 15s;
  while (!w.lost(now)) {
    REQUIRE(w.next_deadline() > now);
    now = w.next_deadline();
    if (!w.heartbeat(now).empty()) ++asked;
  }
  CHECK(now == start + 30s);
  CHECK(asked >= 4);
}

TEST_CASE("anything from the peer puts the next heartbeat off") {
  auto w = watch();
  w.received(start + 10s);
  CHECK(w.next_deadline() == start + 25s);
  CHECK(!w.heartbeat(start + 25s).empty());
  w.received(start + 26s);
  CHECK(w.next_deadline() == start + 41s);
  CHECK_FALSE(w.lost(start + 1h));  // it was not asked in vain
}

TEST_CASE("before the association has a verification tag there is no heartbeat") {
  path_watch w(15s, 30s);
  w.start(start);
  w.sent(packet_with_tag(0));  // INIT
  CHECK(w.next_deadline() == no_deadline);
  CHECK(w.heartbeat(start + 1h).empty());
}

TEST_CASE("a probe is a heartbeat padded to its size, and the answer to it tells that size") {
  const auto w = watch();
  auto p = w.probe(1363);
  REQUIRE(p.size() == 1360);
  CHECK(checksum_holds(p));
  CHECK(word_at(p, 28) == (0x84000000 | (1360 - 28)));
  CHECK_FALSE(path_watch::answered(p));
  p[12] = std::byte{chunk::heartbeat_ack};
  CHECK(path_watch::answered(p) == 1360u);
  p[20] = std::byte{};
  CHECK_FALSE(path_watch::answered(p));
}
