// StreamMode as a gate: user data waits at it and is never dropped.
#pragma once

#include "agw/core/awaitable.hpp"
#include "agw/core/event.hpp"
#include "agw/core/side.hpp"
#include "agw/core/stream_mode.hpp"

namespace agw {

/// The modes of one stream on its two terminations. Data passes from one side to the other when the first may receive and the second may
/// send. A reader awaits passes() after each read, before it uses what it read: the gate may have closed while the read waited. It awaits
/// passes() before the read as well, so that what may not pass is left with its sender. Then a peer's close is seen only while the gate is open.
/// Shard-bound; may be changed at any time; outlives the stage that uses it.
class flow_gate {
 public:
  explicit flow_gate(stream_mode wic = stream_mode::inactive, stream_mode core = stream_mode::inactive) : wic_(wic), core_(core) {}

  /// Sets the mode of the termination on that side. Takes effect at once; what was read and has not passed waits.
  void set(side s, stream_mode mode) {
    (s == side::wic ? wic_ : core_) = mode;
    if (open(side::wic)) opened_from_wic_.set();
    if (open(side::core)) opened_from_core_.set();
  }

  stream_mode mode(side s) const noexcept { return s == side::wic ? wic_ : core_; }

  /// Whether data that comes in on that side may pass.
  bool open(side from) const noexcept { return receives(mode(from)) && sends(mode(other(from))); }

  /// Returns when data from that side may pass; at once when it may now. One waiter per side. Cancel: operation_aborted.
  awaitable<void> passes(side from) {
    auto& opened = from == side::wic ? opened_from_wic_ : opened_from_core_;
    while (!open(from)) co_await opened.wait();
  }

 private:
  stream_mode wic_;
  stream_mode core_;
  event opened_from_wic_;
  event opened_from_core_;
};

}  // namespace agw
