// Whether a peer of the full agent has moved, without I/O: what was found and the time in, probes and a decision out.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "agw/core/until.hpp"
#include "agw/transports/udp.hpp"

namespace agw::ice {

/// A valid check that comes from another port of the selected address is what a NAT makes of a peer that it has moved, or comes from a second
/// interface of a peer that has not moved at all. So the selected pair is asked: when it does not answer for `silent_after`, the new address is
/// followed. Shard-bound.
class move_watch {
 public:
  static constexpr clock::duration silent_after = std::chrono::seconds(2);
  static constexpr clock::duration probe_interval = std::chrono::milliseconds(400);

  enum class action { none, probe, follow, stay };

  /// `to` was found while `selected` is in use. Of several the latest counts; the silence goes on.
  void found(const udp::endpoint& to, const udp::endpoint& selected, clock::time_point now) {
    if (!to_) since_ = next_ = now;
    to_ = to;
    selected_ = selected;
  }
  /// Whether the watch is of that selected address.
  bool concerns(const std::optional<udp::endpoint>& selected) const noexcept { return selected == selected_; }
  bool watching() const noexcept { return to_.has_value(); }
  std::optional<clock::time_point> deadline() const noexcept { return to_ ? std::optional(next_) : std::nullopt; }
  /// Due at the deadline. `selected`: what is in use now; when checks have led elsewhere meanwhile, there is nothing left to decide.
  action timeout(const std::optional<udp::endpoint>& selected, clock::time_point now) {
    if (!to_ || now < next_) return action::none;
    if (selected != selected_) return action::stay;
    if (now - since_ >= silent_after) return action::follow;
    next_ = std::min(now + probe_interval, since_ + silent_after);
    return action::probe;
  }
  /// Ends the watch: after action::follow or action::stay, or when the selected pair has answered a probe. Returns what was found.
  std::optional<udp::endpoint> take() noexcept { return std::exchange(to_, std::nullopt); }

 private:
  std::optional<udp::endpoint> to_;
  udp::endpoint selected_;
  clock::time_point since_;
  clock::time_point next_;
};

}  // namespace agw::ice
