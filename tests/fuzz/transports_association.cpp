// An established association under hostile chunks: the input is a list of chunk sequences, each with its length in two octets before it, which
// come as packets with the right ports, verification tag and checksum. The TSNs of data chunks count from the next one that the association
// expects. A length with its highest bit set: the sequence comes 128 times. A length of zero lets time pass. What is held never exceeds twice the
// receive window, and whatever happens, an end of the association is one of its errors.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>

#include "sctp/chunks.hpp"
#include "sctp/core.hpp"
#include "sctp/crc32c.hpp"
#include "support/loop.hpp"
#include "unit/transports/sctp_link.hpp"

namespace {

using namespace agw;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

/// Delivers to an association, and keeps the header of what its peer has sent it.
class wire_tap final : public datagram_pipe {
 public:
  explicit wire_tap(link_end& lower) : lower_(lower) {}
  awaitable<void> receive(datagram_batch& into) override {
    co_await lower_.receive(into);
    for (std::size_t i = 0; i < into.size(); ++i) look(std::as_const(into)[i]);
    const auto last = std::as_const(into)[into.size() - 1];
    if (last.size() > sctp::common_header_bytes && sctp::word_at(last, 4) != 0) header_.assign(last.begin(), last.begin() + sctp::common_header_bytes);
  }
  void send(const datagram_batch& batch) override { lower_.send(batch); }
  std::size_t max_datagram_bytes() const noexcept override { return lower_.max_datagram_bytes(); }

  void inject(bytes_view chunks) {
    auto packet = header_;
    packet.insert(packet.end(), chunks.begin(), chunks.end());
    const auto base = next_;
    sctp::each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
      if (!carries_data(type, c)) return;
      const auto tsn = base + sctp::word_at(c, sctp::chunk_header_bytes);
      sctp::put_word(packet, static_cast<std::size_t>(c.data() - packet.data()) + sctp::chunk_header_bytes, tsn);
      if (tsn == next_) ++next_;
    });
    sctp::seal_checksum(packet);
    lower_.inject(packet);
  }

 private:
  static bool carries_data(std::uint8_t type, bytes_view c) {
    return (type == sctp::chunk::data || type == sctp::chunk::i_data) && c.size() >= sctp::chunk_header_bytes + 4;
  }
  void look(bytes_view packet) {
    constexpr std::uint8_t init = 1, init_ack = 2;
    sctp::each_chunk(packet, [&](std::uint8_t type, bytes_view c) {
      if ((type == init || type == init_ack) && c.size() >= 20) next_ = sctp::word_at(c, 16);
      if (carries_data(type, c)) {
        const auto behind = sctp::word_at(c, sctp::chunk_header_bytes) + 1;
        if (static_cast<std::int32_t>(behind - next_) > 0) next_ = behind;
      }
    });
  }

  link_end& lower_;
  std::vector<std::byte> header_;
  std::uint32_t next_ = 0;  // TSN
};

awaitable<void> play(sctp_world& world, bytes_view rest) {
  sctp_link wire;
  wire_tap tap(wire.left);
  sctp::config small;
  small.receive_buffer_bytes = small.send_buffer_bytes = 64 << 10;
  small.channel_buffer_bytes = 16 << 10;
  small.max_message_bytes = 20000;
  small.hold_limit = 5s;
  std::unique_ptr<sctp::association> left, right;
  auto inside = [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("right", [&]() -> awaitable<void> { right = co_await sctp::open(tasks, wire.right, small); });
    left = co_await sctp::open(tasks, tap, small);
    while (!right) co_await sleep_until(deadline_after(10ms));
    auto read = co_await left->open_channel(0);
    auto blocked = co_await left->open_channel(1);
    auto peer = co_await right->open_channel(1);
    (void)peer->try_send(pattern(10000));
    std::vector<message> got;
    tasks.spawn("reader", [&]() -> awaitable<void> {
      while (co_await read->receive(got)) got.clear();
    });
    const auto within_bounds = [&] {
      const auto most = 2 * small.receive_buffer_bytes;
      if (left->statistics().held_bytes > most || right->statistics().held_bytes > most) std::abort();
    };
    int repeated = 0;
    while (rest.size() >= 2) {
      const auto word = std::to_integer<std::size_t>(rest[0]) << 8 | std::to_integer<std::size_t>(rest[1]);
      const auto length = word & 0x7fff;
      const int times = (word & 0x8000) != 0 && ++repeated <= 8 ? 128 : 1;
      rest = rest.subspan(2);
      const auto chunks = rest.first(std::min(length, rest.size()));
      rest = rest.subspan(chunks.size());
      if (chunks.empty()) {
        co_await sleep_until(deadline_after(300ms));
      } else {
        for (int i = 0; i < times; ++i) tap.inject(chunks);
        co_await sleep_until(deadline_after(1ms));
      }
      within_bounds();
    }
    co_await left->close(deadline_after(100ms));
    co_await right->close(deadline_after(100ms));
    tasks.cancel();
  };
  try {
    co_await with_tasks("pair", inside);
  } catch (const stage_error& e) {
    if (e.stage() != "sctp" && e.stage() != "channel") std::abort();
  }
  (void)world;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static sctp_world world;
  const auto bytes = std::as_bytes(std::span(data, std::min<std::size_t>(size, 4096)));
  world.run([&] { return play(world, bytes); });
  if (sctp::stack::associations() != 0) std::abort();
  return 0;
}
