// A peer that puts HEARTBEAT-ACKs in front of its SACKs.
#include <catch2/catch.hpp>

#include "channels.hpp"
#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"

using namespace agw;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

namespace {

/// Each packet with a SACK begins with the answer to a HEARTBEAT of the other side's own, which it has asked or not.
class answering_end final : public datagram_pipe {
 public:
  explicit answering_end(link_end& lower) : lower_(lower) {}
  awaitable<void> receive(datagram_batch& into) override { return lower_.receive(into); }
  void send(const datagram_batch& batch) override {
    datagram_batch out;
    for (std::size_t i = 0; i < batch.size(); ++i) out.push(answered(batch[i]));
    lower_.send(out);
  }
  std::size_t max_datagram_bytes() const noexcept override { return lower_.max_datagram_bytes(); }

  int answers = 0;

 private:
  std::vector<std::byte> answered(bytes_view packet) {
    std::vector<std::byte> out(packet.begin(), packet.end());
    bool acknowledges = false;
    sctp::each_chunk(packet, [&](std::uint8_t type, bytes_view) { acknowledges = acknowledges || type == sctp::chunk::sack; });
    if (!acknowledges) return out;
    ++answers;
    std::vector<std::byte> ack(16);
    sctp::put_word(ack, 0, 0x05000010);
    sctp::put_word(ack, 4, 0x0001000c);
    sctp::put_word(ack, 8, 0x61677750);
    out.insert(out.begin() + sctp::common_header_bytes, ack.begin(), ack.end());
    sctp::seal_checksum(out);
    return out;
  }

  link_end& lower_;
};

}  // namespace

TEST_CASE("an acknowledgement behind the answer to our heartbeat counts: nothing is sent again") {
  sctp_world world;
  sctp_link wire;
  answering_end right(wire.right);
  world.run([&]() -> awaitable<void> {
    std::unique_ptr<sctp::association> a, b;
    auto inside = [&](task_group& tasks) -> awaitable<void> {
      tasks.spawn("right", [&]() -> awaitable<void> { b = co_await sctp::open(tasks, right, {}); });
      a = co_await sctp::open(tasks, wire.left, {});
      while (!b) co_await sleep_until(deadline_after(10ms));
      auto from = co_await a->open_channel(0);
      auto to = co_await b->open_channel(0);
      for (unsigned i = 0; i < 50; ++i) {
        co_await from->send(pattern(5000, i));
        const auto got = co_await take(*to, 1);
        CHECK(got.at(0).bytes == pattern(5000, i));
      }
      co_await sleep_until(deadline_after(5s));
      CHECK(right.answers > 0);
      CHECK(a->statistics().retransmitted_chunks == 0);
    };
    co_await with_tasks("pair", inside);
  });
}
