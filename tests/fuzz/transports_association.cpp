// An established association under hostile chunks: the input is a list of chunk sequences, each with its length in two octets before it, which
// come as packets with the right ports, verification tag and checksum; a length of zero lets time pass. What is held stays within its bounds,
// and whatever happens, an end of the association is one of its errors.
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
    const auto last = std::as_const(into)[into.size() - 1];
    if (last.size() > sctp::common_header_bytes && sctp::word_at(last, 4) != 0) header_.assign(last.begin(), last.begin() + sctp::common_header_bytes);
  }
  void send(const datagram_batch& batch) override { lower_.send(batch); }
  std::size_t max_datagram_bytes() const noexcept override { return lower_.max_datagram_bytes(); }

  void inject(bytes_view chunks) {
    auto packet = header_;
    packet.insert(packet.end(), chunks.begin(), chunks.end());
    sctp::seal_checksum(packet);
    lower_.inject(packet);
  }

 private:
  link_end& lower_;
  std::vector<std::byte> header_;
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
    while (rest.size() >= 2) {
      const auto length = std::to_integer<std::size_t>(rest[0]) << 8 | std::to_integer<std::size_t>(rest[1]);
      rest = rest.subspan(2);
      const auto chunks = rest.first(std::min(length, rest.size()));
      rest = rest.subspan(chunks.size());
      if (chunks.empty()) {
        co_await sleep_until(deadline_after(300ms));
      } else {
        tap.inject(chunks);
        co_await sleep_until(deadline_after(1ms));
      }
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
