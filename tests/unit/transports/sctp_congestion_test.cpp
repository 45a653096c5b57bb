#include "sctp/congestion.hpp"

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

std::vector<std::byte> sack(std::uint32_t cumulative, std::vector<std::pair<std::uint16_t, std::uint16_t>> gaps = {}) {
  std::vector<std::byte> out(common_header_bytes + 16 + 4 * gaps.size());
  put_word(out, 12, 0x03000000 | static_cast<std::uint32_t>(16 + 4 * gaps.size()));
  put_word(out, 16, cumulative);
  put_word(out, 20, 1 << 20);
  put_word(out, 24, static_cast<std::uint32_t>(gaps.size()) << 16);
  for (std::size_t i = 0; i < gaps.size(); ++i) put_word(out, 28 + 4 * i, std::uint32_t{gaps[i].first} << 16 | gaps[i].second);
  return out;
}

// A sender that has always more to send, a queue in front of a link, and a receiver that acknowledges every packet; millisecond by millisecond.
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
    if (cumulative_seen != cumulative || cumulative + 1 >= next) {
      cumulative_seen = cumulative;
      moved = now;
    } else if (now - moved > 4 * way + 300ms) {
      moved = now;
      missing.insert(cumulative + 1);
    }
    credit = control.rate() > 0 ? std::min(credit + control.rate() / 1000, 2 * control.rate() / 1000 + chunk_bytes) : 1e9;
    while (!missing.empty() && credit >= chunk_bytes) {
      send(*missing.begin());
      missing.erase(missing.begin());
    }
    while (control.in_flight() + chunk_bytes <= control.window_bytes() && credit >= chunk_bytes) send(next++);
  }

 private:
  void send(std::uint32_t tsn) {
    credit -= chunk_bytes;
    const auto p = data(tsn);
    control.sent(p, now, false);
    if (queue + chunk_bytes > queue_bytes || (lose_each > 0 && ++count % lose_each == 0)) {
      ++lost;
      return;
    }
    queue += chunk_bytes;
    queued.push_back(tsn);
  }
  void received(std::uint32_t tsn) {
    ++arrived;
    if (tsn > cumulative) beyond.insert(tsn);
    while (beyond.count(cumulative + 1)) beyond.erase(++cumulative);
    way_back.push_back({now + way, {cumulative, beyond}});
  }
  void acknowledge(const std::pair<std::uint32_t, std::set<std::uint32_t>>& what) {
    std::vector<std::pair<std::uint16_t, std::uint16_t>> gaps;
    for (const auto tsn : what.second) {
      const auto at = static_cast<std::uint16_t>(tsn - what.first);
      if (!gaps.empty() && gaps.back().second + 1 == at) {
        gaps.back().second = at;
      } else {
        gaps.push_back({at, at});
      }
    }
    control.received(sack(what.first, gaps), now);
    // What is missing before the last that arrived is sent again, and once more when it could have come.
    if (what.second.empty()) return;
    asked.erase(asked.begin(), asked.upper_bound(what.first));
    for (auto tsn = what.first + 1; tsn < *what.second.rbegin(); ++tsn) {
      if (what.second.count(tsn)) continue;
      auto& when = asked[tsn];
      if (when != clock::time_point() && now - when < 4 * way) continue;
      when = now;
      missing.insert(tsn);
    }
  }

  std::deque<std::uint32_t> queued;
  std::deque<std::pair<clock::time_point, std::uint32_t>> way_out;
  std::deque<std::pair<clock::time_point, std::pair<std::uint32_t, std::set<std::uint32_t>>>> way_back;
  std::set<std::uint32_t> beyond, missing;
  std::map<std::uint32_t, clock::time_point> asked;
  std::uint32_t cumulative = 0, cumulative_seen = 0;
  clock::time_point moved = start;
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
  CHECK(c.queue_again(data(2), start + 60ms));
  CHECK_FALSE(c.queue_again(data(2), start + 60ms));  // it waits
  c.sent(data(2), start + 70ms, false);
  CHECK_FALSE(c.queue_again(data(2), start + 110ms));
  CHECK(c.queue_again(data(2), start + 120ms));
  CHECK(c.missing(data(2)));
  CHECK(c.received(sack(1, {{2, 3}}), start + 121ms) == congestion_control::news::progress_after_loss);
  CHECK(c.received(sack(1, {{2, 3}}), start + 121ms) == congestion_control::news::none);
  CHECK_FALSE(c.missing(data(3)));
  CHECK_FALSE(c.missing(data(4)));
  CHECK(c.in_flight() == 5 * chunk_bytes);
  CHECK(c.queue_again(data(3), start + 200ms));  // the peer dropped it again
  CHECK(c.missing(data(3)));
  CHECK(c.in_flight() == 6 * chunk_bytes);
  CHECK(c.queue_again(data(1), start + 200ms));  // usrsctp has missed that it is acknowledged
  CHECK_FALSE(c.queue_again(data(99), start + 200ms));  // it has not left yet
  // A packet of which one chunk is missing goes.
  CHECK(c.queue_again(data(2, 4), start + 200ms));
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
