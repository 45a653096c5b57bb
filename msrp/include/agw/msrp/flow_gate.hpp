// StreamMode as a gate: user data waits at it and is never dropped.
#pragma once

#include <cstdint>

#include "agw/core/awaitable.hpp"
#include "agw/core/event.hpp"
#include "agw/msrp/relay_paths.hpp"

namespace agw::msrp {

/// H.248.1, 7.1.7: directions as seen from the gateway's termination.
enum class stream_mode : std::uint8_t { inactive, send_only, receive_only, send_receive };

/// The modes of one stream on its two terminations. Data passes from one side to the other when the first may receive and the
/// second may send. While the gate is closed nothing is read, so a peer's close is seen only when it opens. A reader awaits passes()
/// before each read and again after it: the gate may close while the read waits. Shard-bound; may be changed at any time; outlives
/// the relay that uses it.
class flow_gate {
 public:
  explicit flow_gate(stream_mode channel = stream_mode::inactive, stream_mode stream = stream_mode::inactive)
      : channel_(channel), stream_(stream) {}

  /// Sets the mode of the termination on that side. Opening takes effect at once; closing does not affect what has already passed.
  void set(side s, stream_mode mode) {
    (s == side::channel ? channel_ : stream_) = mode;
    if (open(side::channel)) opened_from_channel_.set();
    if (open(side::stream)) opened_from_stream_.set();
  }

  stream_mode mode(side s) const noexcept { return s == side::channel ? channel_ : stream_; }

  /// Whether data that comes in on that side may pass.
  bool open(side from) const noexcept {
    const auto in = from == side::channel ? channel_ : stream_;
    const auto out = from == side::channel ? stream_ : channel_;
    return (in == stream_mode::receive_only || in == stream_mode::send_receive) &&
           (out == stream_mode::send_only || out == stream_mode::send_receive);
  }

  /// Returns when data from that side may pass; at once when it may now. One waiter per side. Cancel: operation_aborted.
  awaitable<void> passes(side from) {
    auto& opened = from == side::channel ? opened_from_channel_ : opened_from_stream_;
    while (!open(from)) co_await opened.wait();
  }

 private:
  stream_mode channel_;
  stream_mode stream_;
  event opened_from_channel_;
  event opened_from_stream_;
};

}  // namespace agw::msrp
