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

TEST_CASE("a probe is a heartbeat and a chunk that fill a packet of its size, and the answer to it tells that size") {
  const auto w = watch();
  std::vector<std::byte> ballast(1101);
  put_word(ballast, 0, 1101);
  auto p = w.probe(1363, ballast);
  REQUIRE(p.size() == 1360);
  CHECK(checksum_holds(p));
  std::vector<std::size_t> sizes;
  each_chunk(p, [&](std::uint8_t, bytes_view c) { sizes.push_back(c.size()); });
  CHECK(sizes == std::vector<std::size_t>{1360 - 12 - 1104, 1101});
  CHECK(word_at(p, 16) == (0x00010000 | (1360 - 12 - 1104 - 4)));
  CHECK_FALSE(path_watch::answered(p));
  put_word(ballast, 0, 300);
  sizes.clear();
  each_chunk(w.probe(1363, std::span(ballast).first(300)), [&](std::uint8_t, bytes_view c) { sizes.push_back(c.size()); });
  CHECK(sizes == std::vector<std::size_t>{1360 - 12 - 4 * 300, 300, 300, 300, 300});
  CHECK(fits_probe(1148, 1360));
  CHECK_FALSE(fits_probe(1180, 2358));  // the answer would be too large for some peers
  CHECK_FALSE(fits_probe(1400, 1400));
  p[12] = std::byte{chunk::heartbeat_ack};
  CHECK(path_watch::answered(p) == 1360u);
  p[20] = std::byte{};
  CHECK_FALSE(path_watch::answered(p));
}

TEST_CASE("an answer says how long its own heartbeat has been on its way, whatever came between") {
  auto w = watch();
  CHECK(path_watch(15s, 30s).timing_probe(start).empty());
  auto first = w.timing_probe(start), second = w.timing_probe(start + 500ms);
  CHECK(checksum_holds(first));
  CHECK_FALSE(path_watch::round_trip(first, start + 1s));  // it is no answer
  for (auto* p : {&first, &second}) (*p)[12] = std::byte{chunk::heartbeat_ack};
  CHECK(path_watch::round_trip(first, start + 600ms) == clock::duration(600ms));
  CHECK(path_watch::round_trip(second, start + 600ms) == clock::duration(100ms));
  CHECK_FALSE(path_watch::round_trip(first, start + 2min));
  CHECK_FALSE(path_watch::round_trip(first, start - 1s));
  CHECK_FALSE(path_watch::answered(first));  // of no size
  CHECK_FALSE(path_watch::answers_other(first));
  auto sized = w.heartbeat(start + 15s);
  sized[12] = std::byte{chunk::heartbeat_ack};
  CHECK_FALSE(path_watch::round_trip(sized, start + 16s));
}

TEST_CASE("the answers to our heartbeats are taken out of a packet, and nothing else is") {
  auto w = watch();
  auto answer = GENERATE(true, false) ? w.heartbeat(start + 15s) : w.timing_probe(start);
  answer[12] = std::byte{chunk::heartbeat_ack};
  CHECK(path_watch::without_answers(answer).empty());  // nothing is left
  std::vector<std::byte> sack(16);
  put_word(sack, 0, 0x03000010);
  auto both = answer;
  append_chunk(both, {}, sack);
  const auto left = path_watch::without_answers(both);
  REQUIRE(left.size() == common_header_bytes + 16);
  CHECK(std::equal(left.begin(), left.begin() + 8, both.begin()));
  CHECK(std::equal(sack.begin(), sack.end(), left.begin() + common_header_bytes));
  both[common_header_bytes + 8] = std::byte{};  // the answer to another's
  CHECK(path_watch::without_answers(both).empty());
}
