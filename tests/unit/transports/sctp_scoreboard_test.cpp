#include "sctp/scoreboard.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "sctp/crc32c.hpp"
#include "sctp/octet_ring.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{1h};
constexpr std::size_t packet_bytes = 1200;

// DATA, whose octets follow from its number.
std::vector<std::byte> chunk_of(std::uint32_t tsn, std::size_t size) {
  std::vector<std::byte> out(size);
  put_word(out, 0, static_cast<std::uint32_t>(size));
  put_word(out, 4, tsn);
  for (std::size_t i = 8; i < size; ++i) out[i] = static_cast<std::byte>(tsn * 31 + i);
  return out;
}

std::vector<std::byte> packet_of(std::initializer_list<std::vector<std::byte>> chunks) {
  std::vector<std::byte> out(common_header_bytes, std::byte{7});
  for (const auto& c : chunks) append_chunk(out, out, c);
  return out;
}

std::vector<std::byte> data(std::uint32_t tsn, std::size_t size = 1000) { return packet_of({chunk_of(tsn, size)}); }

using gap_blocks = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

std::vector<std::byte> sack(std::uint32_t cumulative, const gap_blocks& gaps = {}, std::size_t duplicates = 0) {
  std::vector<std::byte> out(common_header_bytes + 16 + 4 * (gaps.size() + duplicates));
  put_word(out, 12, 0x03000000 | static_cast<std::uint32_t>(out.size() - common_header_bytes));
  put_word(out, 16, cumulative);
  put_word(out, 20, 1 << 20);
  put_word(out, 24, static_cast<std::uint32_t>(gaps.size() << 16 | duplicates));
  for (std::size_t i = 0; i < gaps.size(); ++i) put_word(out, 28 + 4 * i, gaps[i].first << 16 | gaps[i].second);
  return out;
}

std::vector<std::uint32_t> tsns(const datagram_batch& packets) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    CHECK(checksum_holds(packets[i]));
    each_tsn(packets[i], [&](std::uint8_t, std::uint32_t tsn) { out.push_back(tsn); });
  }
  return out;
}

// A path that keeps the order or does not, loses, and a receiver that reports at most so many gaps.
struct world {
  std::mt19937 random;
  double loss = 0, reorder = 0, duplicate = 0;
  std::size_t most_gaps = 300;
  clock::duration way = 25ms;

  scoreboard board;
  clock::time_point now = start;
  std::uint32_t first = 0xffffff00, next = first;
  std::map<std::uint32_t, std::vector<std::byte>> octets;
  std::multimap<clock::time_point, std::vector<std::byte>> to_peer, from_peer;
  std::set<std::uint32_t> at_peer;                // as distances from `first`
  std::map<std::uint32_t, unsigned> on_the_way;   // copies that will arrive
  std::size_t lost = 0, again = 0, in_vain = 0;
  clock::time_point asked = start;

  explicit world(unsigned seed) : random(seed) { board.keep(true); }
  bool happens(double share) { return share > 0 && std::uniform_real_distribution<>()(random) < share; }

  void put(const std::vector<std::byte>& packet) {
    board.sent(packet, now, false);
    each_tsn(packet, [&](std::uint8_t, std::uint32_t tsn) { on_the_way.try_emplace(tsn, 0); });
    if (happens(loss)) {
      ++lost;
      return;
    }
    each_tsn(packet, [&](std::uint8_t, std::uint32_t tsn) { ++on_the_way[tsn]; });
    const auto late = happens(reorder) ? clock::duration(10ms) : clock::duration(0);
    to_peer.emplace(now + way + late, packet);
    if (happens(duplicate)) to_peer.emplace(now + way + late, packet);
  }

  void send_new() {
    auto packet = std::vector<std::byte>(common_header_bytes, std::byte{7});
    const auto chunks = std::uniform_int_distribution<>(1, 3)(random);
    for (int i = 0; i < chunks; ++i) {
      const auto c = chunk_of(next, std::uniform_int_distribution<std::size_t>(17, 380)(random));
      octets[next++] = c;
      append_chunk(packet, packet, c);
    }
    put(packet);
  }

  void repair(const datagram_batch& packets) {
    for (std::size_t i = 0; i < packets.size(); ++i) {
      CHECK(packets[i].size() <= packet_bytes);
      each_chunk(packets[i], [&](std::uint8_t type, bytes_view c) {
        REQUIRE(is_data(type));
        const auto tsn = word_at(c, 4);
        const auto& was = octets.at(tsn);
        CHECK(std::equal(c.begin(), c.end(), was.begin(), was.end()));
        ++again;
        in_vain += on_the_way[tsn] > 0 || at_peer.contains(tsn - first) ? 1 : 0;
      });
      put(std::vector<std::byte>(packets[i].begin(), packets[i].end()));
    }
  }

  std::uint32_t cumulative() const {
    std::uint32_t up_to = 0;
    for (const auto tsn : at_peer) {
      if (tsn != up_to) break;
      ++up_to;
    }
    return first + up_to - 1;
  }

  void report() {
    const auto up_to = cumulative();
    gap_blocks gaps;
    for (const auto distance : at_peer) {
      const auto offset = first + distance - up_to;
      if (!later_tsn(first + distance, up_to)) continue;
      if (!gaps.empty() && gaps.back().second + 1 == offset) {
        gaps.back().second = offset;
      } else if (gaps.size() < most_gaps) {
        gaps.emplace_back(offset, offset);
      } else {
        break;
      }
    }
    from_peer.emplace(now + way, sack(up_to, gaps));
  }

  void step(clock::duration reordering) {
    now += 1ms;
    while (!to_peer.empty() && to_peer.begin()->first <= now) {
      each_tsn(to_peer.begin()->second, [&](std::uint8_t, std::uint32_t tsn) {
        at_peer.insert(tsn - first);
        if (on_the_way[tsn] > 0) --on_the_way[tsn];
      });
      to_peer.erase(to_peer.begin());
      report();
    }
    while (!from_peer.empty() && from_peer.begin()->first <= now) {
      board.received(from_peer.begin()->second, now);
      from_peer.erase(from_peer.begin());
    }
    repair(board.lost(now, reordering, packet_bytes));
    if (board.unacknowledged_chunks() > 0 && now - std::max(board.last_progress(), asked) > 4 * way) {
      asked = now;
      const auto before = in_vain;
      repair(board.first_again());
      in_vain = before;  // to ask is allowed
    }
  }

  void run(int packets, clock::duration reordering) {
    for (int sent = 0; sent < packets; ++sent) {
      if (board.in_flight() < 200'000) send_new();
      if (happens(0.5)) step(reordering);
    }
    for (int i = 0; i < 30'000 && board.unacknowledged_chunks() > 0; ++i) step(reordering);
  }
};

}  // namespace

TEST_CASE("octets in a ring keep their positions while it grows, wraps and is emptied") {
  std::mt19937 random(3);
  octet_ring ring;
  std::deque<std::pair<std::uint64_t, std::vector<std::byte>>> model;
  for (int i = 0; i < 20'000; ++i) {
    if (random() % 3 != 0 || model.empty()) {
      std::vector<std::byte> octets(random() % 1500);
      for (auto& o : octets) o = static_cast<std::byte>(random());
      model.emplace_back(ring.push(octets), octets);
    } else if (random() % 100 == 0) {
      ring.clear();
      model.clear();
    } else {
      for (auto n = random() % 4; n > 0 && !model.empty(); --n) model.pop_front();
      if (!model.empty()) ring.drop_before(model.front().first);
      else ring.clear();
    }
    if (model.empty()) {
      CHECK(ring.size() == 0);
      continue;
    }
    const auto& [at, octets] = model[random() % model.size()];
    std::vector<std::byte> copy;
    ring.copy(at, octets.size(), copy);
    if (copy != octets) FAIL("octets at " << at << " are others");
  }
}

TEST_CASE("on a path that keeps the order only what is lost leaves again, and all arrives") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    for (const double loss : {0.0, 0.02, 0.3}) {
      world w(seed);
      w.loss = loss;
      w.run(1500, 0ms);
      INFO("seed " << seed << ", loss " << loss);
      CHECK(w.board.unacknowledged_chunks() == 0);
      CHECK(w.board.in_flight() == 0);
      CHECK(w.board.held_bytes() == 0);
      CHECK(w.board.held_chunks() == 0);
      CHECK(w.at_peer.size() == w.next - w.first);
      CHECK(w.in_vain == 0);
      CHECK((w.again > 0) == (loss > 0));
    }
  }
}

TEST_CASE("a path that reorders, duplicates and loses, and reports that are cut off, lose nothing") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    world w(seed);
    w.loss = 0.05;
    w.reorder = 0.1;
    w.duplicate = 0.05;
    w.most_gaps = seed % 2 == 0 ? 20 : 300;
    w.run(1500, 12ms);
    INFO("seed " << seed);
    CHECK(w.board.unacknowledged_chunks() == 0);
    CHECK(w.board.in_flight() == 0);
    CHECK(w.board.held_bytes() == 0);
    CHECK(w.at_peer.size() == w.next - w.first);
    CHECK(w.in_vain == 0);
  }
}

TEST_CASE("a loss is what left so long before something that has arrived; many of one packet leave in one packet") {
  scoreboard board;
  board.keep(true);
  board.sent(packet_of({chunk_of(1, 300), chunk_of(2, 300), chunk_of(3, 299)}), start, false);
  board.sent(data(4), start + 1ms, false);
  board.sent(data(5), start + 2ms, false);
  board.sent(data(6), start + 3ms, false);
  CHECK_FALSE(board.received(sack(0, {{5, 5}}), start + 52ms).reordered);
  CHECK(board.held_bytes() == 1000);
  CHECK(board.held_chunks() == 1);
  CHECK(board.in_flight() == 300 + 300 + 300 + 2 * 1000);
  CHECK(tsns(board.lost(start + 52ms, 5ms, packet_bytes)).empty());
  CHECK(board.next_loss() == deadline(start + 55ms));
  const auto first = board.lost(start + 55ms, 5ms, packet_bytes);
  CHECK(first.size() == 1);
  CHECK(tsns(first) == std::vector<std::uint32_t>{1, 2, 3});
  CHECK(tsns(board.lost(start + 56ms, 5ms, packet_bytes)) == std::vector<std::uint32_t>{4});
  CHECK(board.next_loss() == no_deadline);
  CHECK(tsns(board.lost(start + 90ms, 5ms, packet_bytes)).empty());  // they wait, and what left later is not judged
  // What left again is lost again, when something that left later has arrived.
  CHECK(board.sent(first[0], start + 60ms, false) == 900);
  board.sent(data(7), start + 61ms, false);
  board.received(sack(0, {{5, 5}, {7, 7}}), start + 111ms);
  CHECK(tsns(board.lost(start + 116ms, 5ms, packet_bytes)) == std::vector<std::uint32_t>{1, 2, 3, 6});
}

TEST_CASE("the last packets of a burst are found lost when the first is asked for again") {
  scoreboard board;
  board.keep(true);
  for (std::uint32_t tsn = 1; tsn <= 4; ++tsn) board.sent(data(tsn), start, false);
  const auto asked = board.first_again();
  CHECK(tsns(asked) == std::vector<std::uint32_t>{1});
  CHECK(board.first_again().empty());  // it waits
  board.sent(asked[0], start + 200ms, false);
  board.received(sack(1), start + 250ms);
  CHECK(tsns(board.lost(start + 250ms, 0ms, packet_bytes)) == std::vector<std::uint32_t>{2, 3, 4});
}

TEST_CASE("what arrives late or twice tells that the path reorders") {
  scoreboard board;
  board.keep(true);
  for (std::uint32_t tsn = 1; tsn <= 4; ++tsn) board.sent(data(tsn), start, false);
  CHECK_FALSE(board.received(sack(0, {{2, 2}}), start + 50ms).reordered);
  CHECK(board.received(sack(2), start + 51ms).reordered);
  CHECK_FALSE(board.received(sack(2, {{2, 2}}), start + 52ms).reordered);
  CHECK(board.received(sack(2, {{2, 2}}, 1), start + 53ms).reordered);
}

TEST_CASE("a peer that drops what it has reported gets all again once usrsctp's timer asks for the first of it") {
  scoreboard board;
  board.keep(true);
  for (std::uint32_t tsn = 1; tsn <= 4; ++tsn) board.sent(data(tsn), start, false);
  board.received(sack(0, {{2, 4}}), start + 50ms);
  CHECK(board.in_flight() == 1000);
  CHECK_FALSE(board.queue_again(data(2), true, 50ms, start + 500ms));
  CHECK(board.queue_again(data(1), true, 50ms, start + 500ms));
  board.received(sack(1), start + 600ms);
  CHECK(board.queue_again(data(2), true, 50ms, start + 900ms));  // it had been reported
  CHECK(board.in_flight() == 3000);
  CHECK(board.held_bytes() == 0);
}

TEST_CASE("what was to leave again and arrives before it does can still be sent again once the peer has dropped it") {
  scoreboard board;
  board.keep(true);
  for (std::uint32_t tsn = 1; tsn <= 4; ++tsn) board.sent(data(tsn, 500), start, false);
  board.received(sack(0, {{2, 2}, {4, 4}}), start + 50ms);
  const auto lost = board.lost(start + 50ms, 0ms, packet_bytes);
  CHECK(tsns(lost) == std::vector<std::uint32_t>{1, 3});
  board.received(sack(0, {{2, 4}}), start + 51ms);
  board.sent(lost[0], start + 52ms, false);
  board.received(sack(1), start + 102ms);
  CHECK(board.queue_again(data(2, 500), false, 50ms, start + 500ms));
  CHECK(board.queue_again(data(3, 500), false, 50ms, start + 500ms));
  board.sent(data(2, 500), start + 500ms, false);
  board.received(sack(2), start + 550ms);
  CHECK(board.held_bytes() == 0);
  CHECK(board.in_flight() == 1000);
}

TEST_CASE("an acknowledgement of half of all numbers away changes nothing") {
  scoreboard board;
  board.keep(true);
  board.sent(data(1), start, false);
  board.received(sack(1), start + 50ms);
  CHECK_FALSE(board.received(sack(1 + 0x80000000), start + 55ms).any);
  board.sent(data(2), start + 60ms, false);
  CHECK_FALSE(board.received(sack(2 + 0x80000000), start + 110ms).any);
  CHECK_FALSE(board.received(sack(1 + 0x80000000), start + 110ms).any);
  CHECK(board.in_flight() == 1000);
  CHECK(board.received(sack(2), start + 111ms).any);
  CHECK(board.in_flight() == 0);
}

TEST_CASE("the end of a burst is found lost at once, too, when the queue that the burst stood in has gone meanwhile") {
  scoreboard board;
  board.keep(true);
  board.sent(data(1), start, false);
  for (std::uint32_t tsn = 2; tsn <= 9; ++tsn) board.sent(data(tsn), start + 1ms, false);
  board.received(sack(1), start + 200ms);
  CHECK(tsns(board.lost(start + 200ms, 0ms, packet_bytes)).empty());
  const auto asked = board.first_again();
  board.sent(asked[0], start + 700ms, false);
  board.received(sack(2), start + 750ms);
  CHECK(tsns(board.lost(start + 950ms, 0ms, packet_bytes)) == std::vector<std::uint32_t>{3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("what is sent for the first time behind a later number leaves, too") {
  scoreboard board;
  board.keep(true);
  board.sent(data(1), start, false);
  board.sent(data(3), start + 1ms, false);  // usrsctp's timer sent 2 in its own thread
  CHECK(board.queue_again(data(2), true, 50ms, start + 2ms));
  CHECK(board.missing(data(2)));
  CHECK_FALSE(board.queue_again(data(4), true, 50ms, start + 2ms));  // it waits to leave for the first time
  board.received(sack(2), start + 52ms);
  CHECK_FALSE(board.missing(data(2)));
}

TEST_CASE("of many acknowledgements in one packet the last is enough, whose gaps are gone through once") {
  scoreboard board;
  board.keep(true);
  for (std::uint32_t tsn = 1; tsn <= 5; ++tsn) board.sent(data(tsn), start, false);
  auto bundled = std::vector<std::byte>(common_header_bytes);
  for (const auto& one : {sack(1), sack(1, {{2, 2}}), sack(2, {{2, 2}})}) append_chunk(bundled, bundled, bytes_view(one).subspan(common_header_bytes));
  CHECK(board.received(bundled, start + 50ms).any);
  CHECK(board.acknowledged() == 2);
  CHECK(board.held_chunks() == 1);
  CHECK(board.in_flight() == 2000);
  CHECK(tsns(board.lost(start + 50ms, 0ms, packet_bytes)) == std::vector<std::uint32_t>{3});
}

TEST_CASE("acknowledgements of a hostile peer change nothing but what they acknowledge") {
  std::mt19937 random(5);
  scoreboard board;
  board.keep(true);
  std::uint32_t next = 0xfffffff0;
  auto now = start;
  for (int i = 0; i < 50'000; ++i) {
    now += 100us;
    if (board.unacknowledged_chunks() < 300) board.sent(data(next++, 20 + random() % 100), now, false);
    gap_blocks gaps(random() % 30);
    for (auto& g : gaps) g = {random() & 0x1ff, random() & 0x1ff};
    const auto back = static_cast<std::uint32_t>(board.unacknowledged_chunks()) + 1 - random() % 3;
    board.received(sack(random() % 50 == 0 ? random() : next - back, gaps, random() % 3), now);
    const auto lost = board.lost(now, std::chrono::milliseconds(random() % 3), packet_bytes);
    for (std::size_t k = 0; k < lost.size(); ++k) board.sent(lost[k], now, false);
    if (board.in_flight() + board.held_bytes() > 300 * 120) FAIL("counts run away");
  }
  board.received(sack(next - 1), now);
  CHECK(board.in_flight() == 0);
  CHECK(board.held_bytes() == 0);
  CHECK(board.held_chunks() == 0);
}
