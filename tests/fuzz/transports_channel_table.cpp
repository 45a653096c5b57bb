// The channels of one association under whatever a peer sends and whatever its user does, in any order: each input is a list of events of
// four octets. What is held stays within twice the receive window after each.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>

#include "agw/core/error.hpp"
#include "channel/table.hpp"
#include "support/loop.hpp"

namespace {

using namespace agw;
using namespace agw::sctp;

struct script final : channel_host {
  send_outcome transmit(bytes_view, const send_options&) override { return full ? send_outcome::full : send_outcome::sent; }
  bool request_reset(std::uint16_t stream) override { return stream % 16 != 15; }
  bool request_streams(std::uint16_t, std::uint16_t) override { return true; }
  std::size_t queued() const override { return 0; }
  void window_changed() override {}
  void discard_parts(std::uint16_t) override {}
  void rearm_by(deadline) override {}
  bool full = false;
};

config small_bounds() {
  config out;
  out.receive_buffer_bytes = 100000;
  out.channel_buffer_bytes = 20000;
  out.hold_limit = std::chrono::seconds(10);
  return out;
}

struct world {
  world() { table.on_established(32, 32); }

  /// Runs `operation` until it waits for something; it is cancelled then.
  template <class F>
  void attempt(F operation) {
    asio::cancellation_signal signal;
    auto handler = asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {});
    asio::co_spawn(context, std::move(operation), handler);
    time.settle();
    signal.emit(asio::cancellation_type::terminal);
    time.settle();
  }

  /// What `opening()` yields stays open as `id`, instead of what was open as that.
  template <class F>
  void keep(std::uint16_t id, F opening) {
    attempt([this, id, opening]() -> awaitable<void> {
      auto operation = opening();
      auto opened = co_await std::move(operation);
      held[id] = std::move(opened);
    });
  }

  void peer_opens(std::uint16_t id, std::uint8_t value) {
    dcep_open open;
    open.protocol = value % 2 == 0 ? "msrp" : "other";
    open.label = std::string(std::size_t{value} * 250, 'x');
    open.priority = value;
    table.on_message(id, 50, value % 7 == 6 ? compose(dcep_ack()) : compose(open));
  }

  void act(std::uint8_t what, std::uint16_t id, std::uint8_t value) {
    const std::size_t size = std::size_t{value} * value;
    switch (what % 16) {
      case 0: return table.on_message(id, 53, std::vector<std::byte>(size));
      case 1: return table.on_message(id, 40 + value % 20, std::vector<std::byte>(value));
      case 2: return peer_opens(id, value);
      case 3: return table.on_incoming_reset(id);
      case 4: return table.on_outgoing_reset(id, value % 2 == 0);
      case 5: return (void)table.hold_part(id, size);
      case 6: return table.release_part(id, size);
      case 7: return table.refuse(id);
      case 8: return keep(id, [this, id] { return table.open(id, std::string(), std::string()); });
      case 9:
        return keep(id, [this] {
          channel_expectation expected;
          expected.protocol = "msrp";
          return table.accept(std::move(expected));
        });
      case 10:
        return keep(id, [this, id] {
          dcep_open ours;
          ours.label = "ours";
          return table.open_with_dcep(std::move(ours), id);
        });
      case 11: return (void)held.erase(id);
      case 12:
        if (const auto c = held.find(id); c != held.end() && c->second) {
          attempt([&channel = *c->second]() -> awaitable<void> {
            std::vector<message> into;
            co_await channel.receive(into);
          });
        }
        return;
      case 13:
        if (const auto c = held.find(id); c != held.end() && c->second) {
          try {
            (void)c->second->try_send(std::vector<std::byte>(size));
          } catch (const stage_error&) {
          }
        }
        return;
      case 14:
        host.full = value % 2 == 0;
        return table.on_room();
      default:
        time.advance(std::chrono::milliseconds(size));
        return table.expire(clock::now());
    }
  }

  asio::io_context context{1};
  test::manual_clock time{context};
  script host;
  const config options = small_bounds();
  channel_table table{context.get_executor(), host, options};
  std::map<std::uint16_t, std::unique_ptr<data_channel>> held;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  world w;
  for (auto rest = std::span(data, std::min<std::size_t>(size, 4000)); rest.size() >= 4; rest = rest.subspan(4)) {
    const auto id = static_cast<std::uint16_t>(rest[1] % 40 + (rest[2] == 255 ? 65500 : 0));
    w.act(rest[0], id, rest[3]);
    w.time.settle();
    if (w.table.held().held_bytes() > 2 * w.options.receive_buffer_bytes) std::abort();
  }
  w.table.fail(std::make_exception_ptr(stage_error("sctp", "closed")));
  w.table.detach();
  w.held.clear();
  w.time.settle();
  if (w.table.held().held_bytes() != 0) std::abort();
  return 0;
}
