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
  REQUIRE(h.size() == common_header_bytes + 12);
  CHECK(word_at(h, 0) == 0x13891388);
  CHECK(word_at(h, 4) == 0x01020304);
  CHECK(word_at(h, 12) == 0x0400000c);
  CHECK(word_at(h, 16) == 0x00010008);
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
