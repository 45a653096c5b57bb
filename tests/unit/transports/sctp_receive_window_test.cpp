#include "sctp/receive_window.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "sctp/window.hpp"
#include "sctp_link.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t packet_bytes = 1200;
constexpr std::size_t most = 1 << 20;
constexpr std::size_t first = 128 << 10;

/// A peer behind a path: each round trip it sends what it likes, within the window, and all of it comes as fast as the narrowest link lets it.
struct path {
  explicit path(double bytes_a_second, clock::duration trip) : rate(bytes_a_second), round_trip(trip) {}

  void round(std::size_t wanted) {
    const auto begun = now;
    bool asked = false;
    for (std::size_t left = std::min(wanted, window.bytes()); left >= packet_bytes; left -= packet_bytes) {
      now += std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(packet_bytes / rate));
      asked = window.arrived(packet_bytes, now) || asked;
    }
    now = std::max(now, begun + round_trip);
    if (asked) window.round_trip(round_trip, now);
  }

  double rate;
  clock::duration round_trip;
  receive_window window{most};
  clock::time_point now{1h};
};

}  // namespace

TEST_CASE("before a round trip is known the peer is told of all there is, and a chat asks for none") {
  receive_window w(most);
  const clock::time_point begin(1h);
  CHECK_FALSE(w.arrived(packet_bytes, begin));
  bool asked = false;
  for (int i = 0; i < 10; ++i) asked = w.arrived(packet_bytes, begin + i * 1ms) || asked;
  CHECK(asked);
  CHECK(w.bytes() == most);
  w.round_trip(100ms, begin + 100ms);
  CHECK(w.bytes() == first);
  for (int i = 0; i < 40; ++i) CHECK_FALSE(w.arrived(packet_bytes, begin + i * 10s));
}

TEST_CASE("one slow answer makes no longer path, several do") {
  path p(50e6 / 8, 5ms);
  for (int i = 0; i < 200; ++i) p.round(1 << 20);
  const auto before = p.window.bytes();
  p.window.round_trip(80ms, p.now);
  for (int i = 0; i < 200; ++i) p.round(1 << 20);
  CHECK(p.window.bytes() == before);
  p.round_trip = 80ms;
  for (int i = 0; i < 200; ++i) p.round(1 << 20);
  CHECK(static_cast<double>(p.window.bytes()) > 50e6 / 8 * 0.08);
}

TEST_CASE("a peer that doubles until something is lost does not fill the queue of a narrow path") {
  const auto [rate, trip] = GENERATE(std::pair(50e6 / 8, 40ms), std::pair(20e6 / 8, 100ms), std::pair(5e6 / 8, 200ms));
  path p(rate, trip);
  for (std::size_t window = 10 * packet_bytes; p.now < clock::time_point(1h + 20s); window = std::min<std::size_t>(2 * window, 1 << 30)) p.round(window);
  const auto fits = rate * std::chrono::duration<double>(trip).count();
  CHECK(static_cast<double>(p.window.bytes()) > 1.1 * fits);
  CHECK(static_cast<double>(p.window.bytes()) < 1.6 * fits);
}

TEST_CASE("a peer on a wide path has what the path holds before long") {
  path p(1e9 / 8, GENERATE(2ms, 20ms, 100ms, 300ms));
  const auto fits = p.rate * std::chrono::duration<double>(p.round_trip).count();
  std::size_t wanted = 10 * packet_bytes;
  for (const auto by = p.now + 500ms + 8 * p.round_trip; p.now < by; wanted = std::min<std::size_t>(2 * wanted, 1 << 30)) p.round(wanted);
  CHECK(static_cast<double>(p.window.bytes()) > std::min(1.1 * fits, 0.99 * most));
}

TEST_CASE("a sender over a long path is told of what the path needs, and of no less") {
  const bool fit = GENERATE(true, false);
  sctp_world world;
  link_quality far;
  far.delay = GENERATE(5ms, 50ms, 400ms);
  sctp_link wire(far);
  std::vector<std::size_t> told;
  wire.right.tap = [&](bytes_view packet) {
    if (const auto window = window_announcer::announced(packet)) told.push_back(*window);
  };
  config theirs;
  theirs.fit_window = fit;
  clock::duration took{};
  world.run([&]() -> awaitable<void> {
    auto body = [&](sctp_pair& pair) -> awaitable<void> {
      auto from = co_await pair.left->open_channel(0);
      auto to = co_await pair.right->open_channel(0);
      const auto begun = clock::now();
      task_group sending(world.context.get_executor());
      sending.spawn("sender", [&]() -> awaitable<void> {
        for (unsigned i = 0; i < 400; ++i) co_await from->send(pattern(16000, i));
      });
      const auto got = co_await take(*to, 400);
      took = clock::now() - begun;
      co_await sending.join();
      for (unsigned i = 0; i < 400; ++i) CHECK(got[i].bytes == pattern(16000, i));
      CHECK(pair.left->statistics().retransmitted_chunks == 0);
    };
    co_await with_pair(wire, {}, theirs, body);
  });
  REQUIRE(told.size() > 100);
  // Before its round trip is known it is all there is.
  CHECK(told.front() > most * 9 / 10);
  CHECK((*std::ranges::min_element(told) < most / 3) == fit);
  CHECK(*std::ranges::min_element(told) >= first);
  CHECK(took < 2s + 20 * 2 * far.delay);
}
