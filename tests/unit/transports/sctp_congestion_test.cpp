#include "sctp/congestion.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "sctp/chunks.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{1h};
constexpr std::size_t chunk_bytes = 1200;

std::vector<std::byte> data(std::uint32_t tsn, std::size_t chunks = 1) {
  std::vector<std::byte> out(common_header_bytes);
  for (std::size_t i = 0; i < chunks; ++i) {
    const auto at = out.size();
    out.resize(at + chunk_bytes / chunks / 4 * 4);
    put_word(out, at, static_cast<std::uint32_t>(out.size() - at));
    put_word(out, at + 4, tsn + static_cast<std::uint32_t>(i));
  }
  return out;
}

using gap_blocks = std::vector<std::pair<std::uint16_t, std::uint16_t>>;

void write_sack(std::vector<std::byte>& out, std::uint32_t cumulative, const gap_blocks& gaps) {
  out.resize(common_header_bytes + 16 + 4 * gaps.size());
  put_word(out, 12, 0x03000000 | static_cast<std::uint32_t>(16 + 4 * gaps.size()));
  put_word(out, 16, cumulative);
  put_word(out, 20, 1 << 20);
  put_word(out, 24, static_cast<std::uint32_t>(gaps.size()) << 16);
  for (std::size_t i = 0; i < gaps.size(); ++i) put_word(out, 28 + 4 * i, std::uint32_t{gaps[i].first} << 16 | gaps[i].second);
}

std::vector<std::byte> sack(std::uint32_t cumulative, const gap_blocks& gaps = {}) {
  std::vector<std::byte> out;
  write_sack(out, cumulative, gaps);
  return out;
}

// What a receiver reports: all up to `cumulative`, and ranges beyond it.
struct report {
  struct range {
    std::uint32_t first, last;
  };
  std::uint32_t cumulative = 0;
  std::vector<range> beyond;

  void add(std::uint32_t tsn) {
    if (tsn <= cumulative) return;
    auto at = std::lower_bound(beyond.begin(), beyond.end(), tsn, [](const range& r, std::uint32_t t) { return r.last + 1 < t; });
    if (at == beyond.end() || tsn + 1 < at->first) {
      at = beyond.insert(at, {tsn, tsn});
    } else {
      at->first = std::min(at->first, tsn);
      at->last = std::max(at->last, tsn);
      const auto next = at + 1;
      if (next != beyond.end() && next->first == at->last + 1) {
        at->last = next->last;
        beyond.erase(next);
      }
    }
    if (beyond.front().first != cumulative + 1) return;
    cumulative = beyond.front().last;
    beyond.erase(beyond.begin());
  }
};

// A sender that has always more to send, a queue in front of a link, and a receiver that acknowledges every packet; millisecond by millisecond. Light, as
// it carries hundreds of thousands of packets under sanitizers: buffers are used again, and what is missing is looked for in the gaps only.
struct path {
  double bytes_per_ms = 6250;  // 50 Mbit/s
  std::size_t queue_bytes = 400'000;
  std::chrono::milliseconds way = 20ms;
  std::size_t lose_each = 0;   // so many packets, one is lost

  congestion_control control{chunk_bytes};
  clock::time_point now = start;
  std::uint32_t next = 1;
  std::size_t lost = 0, arrived = 0, count = 0;
  double credit = 0, line = 0;
  std::size_t queue = 0;

  void run(std::chrono::milliseconds by) {
    for (const auto end = now + by; now < end; now += 1ms) step();
  }

  void step() {
    line += bytes_per_ms;
    while (!queued.empty() && line >= chunk_bytes) {
      line -= chunk_bytes;
      queue -= chunk_bytes;
      way_out.push_back({now + way, queued.front()});
      queued.pop_front();
    }
    if (queued.empty()) line = std::min(line, static_cast<double>(chunk_bytes));
    while (!way_out.empty() && way_out.front().first <= now) {
      received(way_out.front().second);
      way_out.pop_front();
    }
    while (!way_back.empty() && way_back.front().first <= now) {
      acknowledge(way_back.front().second);
      way_back.pop_front();
    }
    // A retransmission timer.
    if (cumulative_seen != at_peer.cumulative || at_peer.cumulative + 1 >= next) {
      cumulative_seen = at_peer.cumulative;
      moved = now;
    } else if (now - moved > 4 * way + 300ms) {
      moved = now;
      missing.insert(at_peer.cumulative + 1);
    }
    const auto rate = control.rate();
    credit = rate > 0 ? std::min(credit + rate / 1000, 2 * rate / 1000 + chunk_bytes) : 1e9;
    while (!missing.empty() && credit >= chunk_bytes) {
      send(*missing.begin());
      missing.erase(missing.begin());
    }
    while (control.in_flight() + chunk_bytes <= control.window_bytes() && credit >= chunk_bytes) send(next++);
  }

 private:
  void send(std::uint32_t tsn) {
    credit -= chunk_bytes;
    put_word(packet, common_header_bytes + 4, tsn);
    control.sent(packet, now, false);
    if (queue + chunk_bytes > queue_bytes || (lose_each > 0 && ++count % lose_each == 0)) {
      ++lost;
      return;
    }
    queue += chunk_bytes;
    queued.push_back(tsn);
  }
  void received(std::uint32_t tsn) {
    ++arrived;
    at_peer.add(tsn);
    way_back.push_back({now + way, at_peer});
  }
  void acknowledge(const report& what) {
    gaps.clear();
    for (const auto& r : what.beyond) {
      gaps.emplace_back(static_cast<std::uint16_t>(r.first - what.cumulative), static_cast<std::uint16_t>(r.last - what.cumulative));
    }
    write_sack(answer, what.cumulative, gaps);
    control.received(answer, now);
    // What is missing before the last that arrived is sent again, and once more when it could have come.
    asked.erase(asked.begin(), asked.upper_bound(what.cumulative));
    auto from = what.cumulative + 1;
    for (const auto& r : what.beyond) {
      for (auto tsn = from; tsn < r.first; ++tsn) ask_for(tsn);
      from = r.last + 1;
    }
  }
  void ask_for(std::uint32_t tsn) {
    auto& when = asked[tsn];
    if (when != clock::time_point() && now - when < 4 * way) return;
    when = now;
    missing.insert(tsn);
  }

  std::deque<std::uint32_t> queued;
  std::deque<std::pair<clock::time_point, std::uint32_t>> way_out;
  std::deque<std::pair<clock::time_point, report>> way_back;
  std::set<std::uint32_t> missing;
  std::map<std::uint32_t, clock::time_point> asked;
  report at_peer;
  std::uint32_t cumulative_seen = 0;
  clock::time_point moved = start;
  std::vector<std::byte> packet = data(0), answer;
  gap_blocks gaps;
};

double share(path& p, std::chrono::milliseconds of) {
  const auto before = p.arrived;
  p.run(of);
  return static_cast<double>((p.arrived - before) * chunk_bytes) / (p.bytes_per_ms * static_cast<double>(of.count()));
}

}  // namespace

TEST_CASE("a path is filled and its queue stays short") {
  path p;
  p.way = GENERATE(5ms, 20ms, 100ms);
  p.queue_bytes = static_cast<std::size_t>(p.bytes_per_ms * static_cast<double>(2 * p.way.count())) + 10 * chunk_bytes;
  CAPTURE(p.way.count());
  p.run(5s);
  CHECK(p.lost == 0);
  CHECK(share(p, 10s) > 0.95);
  CHECK(p.lost == 0);
  CHECK(p.control.least_round_trip() >= 2 * p.way);
  CHECK(p.control.least_round_trip() <= 2 * p.way + 15ms);
}

TEST_CASE("a short queue costs little") {
  path p;
  p.queue_bytes = 50 * chunk_bytes;  // a quarter of what the path holds
  p.run(3s);
  const auto before = p.lost;
  CHECK(share(p, 10s) > 0.85);
  CHECK(static_cast<double>(p.lost - before) < 0.05 * 10'000 * p.bytes_per_ms / chunk_bytes);
}

TEST_CASE("loss that comes from elsewhere does not stop it") {
  path p;
  p.lose_each = GENERATE(100u, 20u);
  p.run(3s);
  CHECK(share(p, 10s) > 0.7);
}

TEST_CASE("a path that becomes faster, slower or longer is found again") {
  path p;
  p.queue_bytes = 1'000'000;
  p.run(3s);
  p.bytes_per_ms = 25'000;
  p.run(4s);
  CHECK(share(p, 3s) > 0.9);
  p.bytes_per_ms = 3125;
  p.run(4s);
  CHECK(share(p, 3s) > 0.9);
  CHECK(p.control.window_bytes() < 400'000);
  p.way = 60ms;
  p.run(6s);
  CHECK(share(p, 3s) > 0.9);
}

TEST_CASE("the first window is ten packets, and an idle sender does not forget") {
  congestion_control c(chunk_bytes);
  CHECK(c.window_bytes() == 10 * chunk_bytes);
  CHECK(c.rate() == 0);
  path p;
  p.run(3s);
  auto& known = p.control;
  const auto rate = known.rate();
  // One packet a second, for a minute.
  p.run(100ms);
  for (int i = 0; i < 60; ++i) {
    p.now += 1s;
    known.sent(data(p.next), p.now, true);
    known.received(sack(p.next++), p.now + 40ms);
  }
  CHECK(known.in_flight() == 0);
  CHECK(known.rate() > rate / 2);
}

TEST_CASE("the same data is not sent again while it is under way") {
  congestion_control c(chunk_bytes);
  for (std::uint32_t tsn = 1; tsn <= 8; ++tsn) c.sent(data(tsn), start, false);
  c.received(sack(1), start + 50ms);  // a round trip is known
  CHECK(c.queue_again(data(2), true, start + 60ms));
  CHECK_FALSE(c.queue_again(data(2), true, start + 60ms));  // it waits
  c.sent(data(2), start + 70ms, false);
  CHECK_FALSE(c.queue_again(data(2), true, start + 110ms));
  CHECK(c.queue_again(data(2), true, start + 120ms));
  CHECK(c.missing(data(2)));
  CHECK(c.received(sack(1, {{2, 3}}), start + 121ms) == congestion_control::news::progress_after_loss);
  CHECK(c.received(sack(1, {{2, 3}}), start + 121ms) == congestion_control::news::none);
  CHECK_FALSE(c.missing(data(3)));
  CHECK_FALSE(c.missing(data(4)));
  CHECK(c.in_flight() == 5 * chunk_bytes);
  CHECK(c.queue_again(data(3), true, start + 200ms));  // the peer dropped it again
  CHECK(c.missing(data(3)));
  CHECK(c.in_flight() == 6 * chunk_bytes);
  CHECK(c.queue_again(data(1), true, start + 200ms));  // usrsctp has missed that it is acknowledged
  CHECK_FALSE(c.queue_again(data(99), true, start + 200ms));  // it has not left yet
  CHECK(c.queue_again(data(99), false, start + 200ms));       // nor does it wait
  // A packet of which one chunk is missing goes.
  CHECK(c.queue_again(data(2, 4), true, start + 200ms));
}

TEST_CASE("acknowledgements that make no sense change nothing") {
  congestion_control c(chunk_bytes);
  CHECK(c.received(sack(7), start) == congestion_control::news::none);
  for (std::uint32_t tsn = 0xfffffffe; tsn != 4; ++tsn) c.sent(data(tsn), start, false);
  const auto flight = c.in_flight();
  CHECK(c.received(sack(9), start + 10ms) == congestion_control::news::none);            // never sent
  CHECK(c.received(sack(0xfffffff0), start + 10ms) == congestion_control::news::none);   // long ago
  CHECK(c.received(sack(0xfffffffd, {{9, 2}}), start + 10ms) == congestion_control::news::none);
  CHECK(c.received(sack(0xfffffffd, {{2, 60000}}), start + 10ms) == congestion_control::news::none);
  CHECK(c.in_flight() == flight);
  auto cut = sack(0xfffffffe, {{2, 3}});
  cut.resize(cut.size() - 4);
  put_word(cut, 12, 0x03000010);
  CHECK(c.received(cut, start + 10ms) == congestion_control::news::progress);  // more gaps announced than there are
  CHECK(c.in_flight() == flight - chunk_bytes);
  CHECK(c.received(sack(3), start + 20ms) == congestion_control::news::progress);
  CHECK(c.in_flight() == 0);
}
