#include "sctp/mtu_probe.hpp"

#include <catch2/catch.hpp>

#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"
#include "sctp_link.hpp"

using namespace agw;
using namespace agw::sctp;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{1h};

std::vector<std::byte> data_packet(std::uint32_t tsn, std::size_t size) {
  std::vector<std::byte> out(common_header_bytes + size);
  put_word(out, 12, static_cast<std::uint32_t>(size));
  put_word(out, 16, tsn);
  return out;
}

/// Data that fits was sent and is acknowledged.
void make_ready(mtu_probe& p, clock::time_point now) {
  p.sent(data_packet(7, 1148));
  p.acknowledged(7, now);
}

/// Loses what is larger than the path carries, unless it may be cut into fragments.
class narrow_end final : public datagram_pipe {
 public:
  explicit narrow_end(link_end& lower) : lower_(lower) {}
  awaitable<void> receive(datagram_batch& into) override { return lower_.receive(into); }
  void send(const datagram_batch& batch) override {
    datagram_batch kept;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      largest = std::max(largest, batch[i].size());
      if (batch[i].size() <= carries || fragments == true) kept.push(batch[i]);
    }
    lower_.send(kept);
  }
  std::size_t max_datagram_bytes() const noexcept override { return 1363; }
  void allow_fragments(bool allowed) noexcept override { fragments = allowed; }

  std::optional<bool> fragments;
  std::size_t carries = 2000;
  std::size_t largest = 0;

 private:
  link_end& lower_;
};

/// Sends `total` octets from one side to the other, in messages of several packets.
awaitable<void> transfer(sctp::data_channel& from, sctp::data_channel& to, std::size_t total) {
  for (std::size_t sent = 0; sent < total; sent += 50000) {
    const auto m = pattern(50000, static_cast<unsigned>(sent));
    co_await from.send(m);
    const auto got = co_await take(to, 1);
    CHECK(got.at(0).bytes == m);
  }
}

template <class F>
void with_narrow_pair(narrow_end& left, sctp_link& wire, F body) {
  sctp_world world;
  world.run([&]() -> awaitable<void> {
    std::unique_ptr<sctp::association> a, b;
    auto inside = [&](task_group& tasks) -> awaitable<void> {
      tasks.spawn("right", [&]() -> awaitable<void> { b = co_await sctp::open(tasks, wire.right, {}); });
      a = co_await sctp::open(tasks, left, {});
      while (!b) co_await sleep_until(deadline_after(10ms));
      auto from = co_await a->open_channel(0);
      auto to = co_await b->open_channel(0);
      co_await body(*from, *to);
    };
    co_await with_tasks("pair", inside);
  });
}

}  // namespace

TEST_CASE("a probe that is answered lets packets grow; three that are not leave them as they are for ten minutes") {
  mtu_probe good(1163, 1363);
  CHECK(good.next_deadline() == no_deadline);
  make_ready(good, start);
  CHECK(good.size() == 1163);
  CHECK_FALSE(good.answered(1363));  // nothing was sent
  CHECK(good.due(start) == 1363);
  CHECK(good.due(start) == 0);
  CHECK_FALSE(good.answered(1200));
  CHECK(good.answered(1363));
  CHECK_FALSE(good.answered(1363));
  CHECK(good.size() == 1363);
  CHECK(good.next_deadline() == no_deadline);
  mtu_probe bad(1163, 1363);
  make_ready(bad, start);
  for (int i = 0; i < 3; ++i) CHECK(bad.due(start + i * 1s) == 1363);
  CHECK(bad.due(start + 3s) == 0);
  CHECK(bad.next_deadline() == no_deadline);  // until there is data again
  make_ready(bad, start + 10s);
  CHECK(bad.next_deadline() == start + 603s);
  CHECK(bad.due(start + 603s) == 1363);
}

TEST_CASE("probes begin when the peer has acknowledged data that fills them up, of which one chunk is kept") {
  mtu_probe p(1163, 1363);
  p.acknowledged(6, start);
  p.sent(data_packet(7, 199));  // too short
  p.acknowledged(7, start);
  CHECK(p.next_deadline() == no_deadline);
  p.sent(data_packet(8, 500));
  p.sent(data_packet(9, 1148));
  p.acknowledged(7, start);
  CHECK(p.next_deadline() == no_deadline);
  CHECK(p.due(start) == 0);
  p.acknowledged(8, start);
  CHECK(p.due(start) == 1363);
  CHECK(p.ballast().size() == 500);
  CHECK(word_at(p.ballast(), 4) == 8);
  p.answered(1363);
  CHECK(p.ballast().empty());
  p.sent(data_packet(10, 1148));
  CHECK(p.ballast().empty());
}

TEST_CASE("packets that are not acknowledged for several retransmissions are small again") {
  mtu_probe p(1163, 1363);
  make_ready(p, start);
  CHECK_FALSE(p.unacknowledged(start, start + 1h));
  p.due(start);
  p.answered(1363);
  CHECK_FALSE(p.unacknowledged(start + 10s, start + 12s));
  CHECK(p.unacknowledged(start + 10s, start + 13s));
  CHECK(p.size() == 1163);
  make_ready(p, start + 20s);
  CHECK(p.next_deadline() == start + 613s);
}

TEST_CASE("a path that carries no more than the base is not probed") {
  mtu_probe p(1163, 576);
  make_ready(p, start);
  CHECK(p.size() == 576);
  CHECK(p.next_deadline() == no_deadline);
}

TEST_CASE("a packet is split between its chunks, and one long chunk goes alone") {
  std::vector<std::byte> p(common_header_bytes + 8 + 20 + 100);
  put_word(p, 0, 0x11112222);
  put_word(p, 12, 0x03000008);
  put_word(p, 20, 0x00030011);  // 17 octets, and 3 of padding
  put_word(p, 40, 0x00030064);
  seal_checksum(p);
  const auto pieces = split(p, 48);
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[0].size() == common_header_bytes + 28);
  CHECK(pieces[1].size() == common_header_bytes + 100);
  for (const auto& one : pieces) {
    CHECK(word_at(one, 0) == 0x11112222);
    CHECK(checksum_holds(one));
  }
  CHECK(split(p, 2000).size() == 1);
  CHECK(split(p, 2000).front() == p);
}

TEST_CASE("on a path that carries them packets grow to the configured size") {
  sctp_link wire;
  narrow_end left(wire.left);
  with_narrow_pair(left, wire, [&](sctp::data_channel& from, sctp::data_channel& to) -> awaitable<void> {
    co_await transfer(from, to, 100000);
    left.largest = 0;
    co_await transfer(from, to, 500000);
    CHECK(left.largest > 1350);
    CHECK(left.largest <= 1363);
  });
}

TEST_CASE("on a path that loses large packets all data arrives in small ones, and is not slower for it") {
  sctp_link wire;
  narrow_end left(wire.left);
  left.carries = 1232;
  with_narrow_pair(left, wire, [&](sctp::data_channel& from, sctp::data_channel& to) -> awaitable<void> {
    co_await transfer(from, to, 500000);
    const auto before = clock::now();
    left.largest = 0;
    co_await transfer(from, to, 2000000);
    for (int i = 0; i < 200; ++i) co_await from.send(pattern(300));  // bundled
    const auto got = co_await take(to, 200);
    CHECK(got.size() == 200);
    CHECK(clock::now() - before < 2s);
  });
}

TEST_CASE("on a path that begins to lose large packets everything arrives: what was on its way in fragments, new data in small packets") {
  sctp_link wire;
  narrow_end left(wire.left);
  with_narrow_pair(left, wire, [&](sctp::data_channel& from, sctp::data_channel& to) -> awaitable<void> {
    co_await transfer(from, to, 500000);
    CHECK(left.fragments == false);
    left.carries = 1232;
    co_await transfer(from, to, 500000);
    CHECK(left.fragments == true);
    left.largest = 0;
    co_await transfer(from, to, 500000);
    CHECK(left.largest <= base_packet_bytes);
  });
}

TEST_CASE("fragments are not allowed while a probe is to show what the path carries, nor on a path that carries it") {
  mtu_probe p(1163, 1363);
  CHECK(p.fragments());
  make_ready(p, start);
  for (int i = 0; i < 3; ++i) {
    CHECK(p.due(start + i * 1s) == 1363);
    CHECK_FALSE(p.fragments());
  }
  CHECK(p.due(start + 3s) == 0);
  CHECK(p.fragments());
  make_ready(p, start + 603s);
  p.due(start + 603s);
  CHECK(p.answered(1363));
  CHECK_FALSE(p.fragments());
  CHECK(p.unacknowledged(start + 610s, start + 620s));
  CHECK(p.fragments());
}
