// Readers that are slow or stop, and senders that wait.
#include "channels.hpp"

#include <catch2/catch.hpp>

#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

using namespace agw;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

namespace {

/// Once `bundles` is set a SACK leaves only in front of data.
class bundling_end final : public datagram_pipe {
 public:
  explicit bundling_end(link_end& lower) : lower_(lower) {}
  awaitable<void> receive(datagram_batch& into) override { return lower_.receive(into); }
  void send(const datagram_batch& batch) override {
    datagram_batch out;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (bundles) {
        bundle(batch[i], out);
      } else {
        out.push(batch[i]);
      }
    }
    lower_.send(out);
  }
  std::size_t max_datagram_bytes() const noexcept override { return lower_.max_datagram_bytes(); }

  bool bundles = false;
  int bundled = 0;
  int dropped = 0;

 private:
  void bundle(bytes_view packet, datagram_batch& out) {
    std::vector<std::byte> rest(packet.begin(), packet.begin() + sctp::common_header_bytes);
    bool data = false;
    sctp::each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
      const auto padded = packet.subspan(static_cast<std::size_t>(c.data() - packet.data()), (c.size() + 3) & ~std::size_t{3});
      if (type == sctp::chunk::sack) {
        sack_.assign(padded.begin(), padded.end());
      } else {
        rest.insert(rest.end(), padded.begin(), padded.end());
      }
      data = data || type == sctp::chunk::data || type == sctp::chunk::i_data;
    });
    if (rest.size() == sctp::common_header_bytes) {
      ++dropped;
      return;
    }
    if (data && !sack_.empty()) {
      rest.insert(rest.begin() + sctp::common_header_bytes, sack_.begin(), sack_.end());
      ++bundled;
    }
    sctp::seal_checksum(rest);
    out.push(rest);
  }

  link_end& lower_;
  std::vector<std::byte> sack_;
};

}  // namespace

TEST_CASE("a reader that stops holds the sender back, nothing grows without bound, and all arrives when it reads again") {
  const auto size = GENERATE(std::size_t{16384}, std::size_t{200});
  sctp_world world;
  sctp::config options;
  options.send_buffer_bytes = 256 << 10;
  options.receive_buffer_bytes = 256 << 10;
  options.channel_buffer_bytes = 128 << 10;
  options.hold_limit = 10min;
  with_channels(
      world,
      [&](sctp_pair& pair) -> awaitable<void> {
        task_group children(co_await asio::this_coro::executor);
        auto a = co_await pair.left->open_channel(0);
        auto b = co_await pair.right->open_channel(0);
        const std::size_t total = (4 << 20) / size;
        std::size_t sent = 0;
        children.spawn("sender", [&]() -> awaitable<void> {
          for (; sent < total; ++sent) co_await a->send(pattern(size, static_cast<unsigned>(sent)));
        });
        co_await sleep_until(deadline_after(60s));
        const auto held = sent;
        CHECK(held * size < std::size_t{700} << 10);
        CHECK(held * size > std::size_t{100} << 10);
        CHECK(b->statistics().bytes_received <= (2 * 256) << 10);
        co_await sleep_until(deadline_after(60s));
        CHECK((sent - held) * size <= std::size_t{64} << 10);
        std::vector<message> got;
        std::size_t n = 0;
        while (n < total) {
          got.clear();
          co_await b->receive(got);
          for (const auto& m : got) CHECK(m.bytes == pattern(size, static_cast<unsigned>(n++)));
        }
        CHECK(sent == total);
        co_await children.join();
      },
      options, options);
}

TEST_CASE("a channel that is not read from stops none of its siblings: their data, their opening and their end go on") {
  sctp_world world;
  with_channels(world, [](sctp_pair& pair) -> awaitable<void> {
    auto a = co_await pair.left->open_channel(0);
    auto b = co_await pair.right->open_channel(0);
    auto a2 = co_await pair.left->open_channel(2);
    auto b2 = co_await pair.right->open_channel(2);
    for (int i = 0; i < 5; ++i) co_await a->send(pattern(60000));  // 300 KB, and nobody reads
    co_await sleep_until(deadline_after(1s));
    const auto start = clock::now();
    for (unsigned i = 0; i < 100; ++i) {
      co_await a2->send(pattern(60000, i));
      const auto got = co_await take(*b2, 1);
      CHECK(got.at(0).bytes == pattern(60000, i));
    }
    auto accepting = [&]() -> awaitable<void> { co_await pair.right->accept_channel(expect_msrp()); };
    task_group children(co_await asio::this_coro::executor);
    children.spawn("accept", accepting);
    auto third = co_await pair.left->open_with_dcep(msrp_open());
    CHECK(third->label() == "chat");
    co_await a2->close(deadline_after(10s));
    const auto closed = co_await b2->peer_closed();
    CHECK(closed);
    task_group closing(co_await asio::this_coro::executor);
    closing.spawn("close", [&] { return a->close(deadline_after(10s)); });
    const auto own = co_await b->peer_closed();  // behind 300 KB that are not read
    CHECK(own);
    CHECK(clock::now() - start < 3s);
    const auto rest = co_await take(*b, 5);
    CHECK(rest.size() == 5);
    co_await closing.join();
    co_await children.join();
  });
}

TEST_CASE("a flood that is not read is held within twice the window, siblings go on, and the channel ends with channel:blocked") {
  sctp_world world;
  link_quality link;
  link.delay = 10ms;
  with_channels(
      world,
      [](sctp_pair& pair) -> awaitable<void> {
        auto a = co_await pair.left->open_channel(0);
        auto b = co_await pair.right->open_channel(0);
        auto a2 = co_await pair.left->open_channel(2);
        auto b2 = co_await pair.right->open_channel(2);
        task_group children(co_await asio::this_coro::executor);
        std::string at_sender;
        children.spawn("flood", [&]() -> awaitable<void> {
          auto flood = [&]() -> awaitable<void> {
            for (;;) co_await a->send(pattern(16000));
          };
          at_sender = co_await outcome(flood());
        });
        const auto start = clock::now();
        unsigned told = 0;
        children.spawn("sibling", [&]() -> awaitable<void> {
          for (unsigned i = 0; i < 25; ++i) {
            co_await a2->send(pattern(500, i));
            co_await sleep_until(deadline_after(1s));
          }
        });
        children.spawn("sibling reads", [&]() -> awaitable<void> {
          for (; told < 25; ++told) {
            const auto got = co_await take(*b2, 1);
            CHECK(got.at(0).bytes == pattern(500, told));
          }
        });
        std::string why;
        try {
          co_await b->peer_closed();
        } catch (const stage_error& e) {
          why = e.cause();
        }
        CHECK(why == "channel:blocked");
        CHECK(clock::now() - start >= 30s);
        CHECK(clock::now() - start < 35s);
        CHECK(told >= 15);
        CHECK(b->statistics().bytes_received < 2 << 20);
        CHECK(b->unread_messages() == 0);
        const auto receiving = co_await outcome(take(*b, 1));
        CHECK(receiving == "channel:blocked");
        co_await children.join();
        CHECK(at_sender == "channel:reset");
        CHECK(told == 25);
        auto again = co_await pair.left->open_channel(4);
        auto there = co_await pair.right->open_channel(4);
        co_await again->send(pattern(200000 / 4));
        const auto got = co_await take(*there, 1);
        CHECK(got.size() == 1);
      },
      {}, {}, link);
}

TEST_CASE("what comes with a probe of the closed window is taken: a peer that acknowledges only so does not end the association as stalled") {
  sctp_world world;
  sctp_link wire;
  bundling_end left(wire.left);
  sctp::config patient;
  patient.hold_limit = 24h;  // the window does not grow meanwhile
  world.run([&]() -> awaitable<void> {
    std::unique_ptr<sctp::association> a, b;
    auto inside = [&](task_group& tasks) -> awaitable<void> {
      tasks.spawn("right", [&]() -> awaitable<void> { b = co_await sctp::open(tasks, wire.right, patient); });
      a = co_await sctp::open(tasks, left, {});
      while (!b) co_await sleep_until(deadline_after(10ms));
      auto flooding = co_await a->open_channel(0);
      auto held = co_await b->open_channel(0);
      auto from = co_await b->open_channel(2);
      auto to = co_await a->open_channel(2);
      // Until the window is closed, and probes have filled what it had grown by.
      for (const auto by = deadline_after(5s); clock::now() < by; co_await sleep_until(deadline_after(10ms))) {
        while (flooding->try_send(pattern(16000))) {
        }
      }
      REQUIRE(b->statistics().held_bytes > 900000);
      left.bundles = true;
      co_await from->send(pattern(100));
      const auto got = co_await take(*to, 1);
      CHECK(got.size() == 1);
      co_await sleep_until(deadline_after(60s));
      left.bundles = false;
      co_await from->send(pattern(100));
      const auto more = co_await take(*to, 1);
      CHECK(more.size() == 1);
      CHECK(left.bundled > 0);
      CHECK(left.dropped > 0);
    };
    co_await with_tasks("pair", inside);
  });
}

TEST_CASE("an association that dies while its reader has stopped is noticed all the same") {
  sctp_world world;
  std::string cause;
  try {
    with_channels(world, [&](sctp_pair& pair) -> awaitable<void> {
      auto a = co_await pair.left->open_channel(0);
      auto b = co_await pair.right->open_channel(0);
      for (int i = 0; i < 20; ++i) co_await a->send(pattern(60000));
      co_await sleep_until(deadline_after(1s));
      pair.left.reset();
      event never;
      co_await never.wait();
    });
  } catch (const stage_error& e) {
    cause = e.cause();
  }
  CHECK(cause == "sctp:abort");
}

TEST_CASE("channels that wait for room take turns, also when one sends large messages and another small ones") {
  sctp_world world;
  sctp::config options;
  options.send_buffer_bytes = 300000;
  options.peer_max_message_bytes = 262144;
  link_quality slow;
  slow.delay = 10ms;
  with_channels(
      world,
      [](sctp_pair& pair) -> awaitable<void> {
        task_group children(co_await asio::this_coro::executor);
        auto big = co_await pair.left->open_channel(0);
        auto small = co_await pair.left->open_channel(1);
        auto at_big = co_await pair.right->open_channel(0);
        auto at_small = co_await pair.right->open_channel(1);
        auto flood = [](sctp::data_channel& c, std::size_t size) -> awaitable<void> {
          for (;;) co_await c.send(pattern(size));
        };
        auto drain = [](sctp::data_channel& c) -> awaitable<void> {
          for (;;) co_await take(c, 1);
        };
        children.spawn("big", [&] { return flood(*big, 250000); });
        children.spawn("small", [&] { return flood(*small, 100); });
        children.spawn("read big", [&] { return drain(*at_big); });
        children.spawn("read small", [&] { return drain(*at_small); });
        co_await sleep_until(deadline_after(10s));
        CHECK(big->statistics().messages_sent >= 10);
        CHECK(small->statistics().messages_sent >= 10);
        CHECK(small->statistics().messages_sent <= 3 * big->statistics().messages_sent);
        co_await children.stop();
      },
      options, options, slow);
}
