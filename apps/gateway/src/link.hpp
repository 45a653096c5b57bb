// What the two ends of one stream share: the component on the access termination and the bearer on the core termination.
#pragma once

#include <algorithm>
#include <vector>

#include "agw/core/flow_gate.hpp"
#include "agw/gateway/model.hpp"

namespace agw::gateway {

class bearer;
class component;

/// Belongs to the context, one per stream number. An end that moves to another context takes another link. MSRP has two ends: a
/// termination with the same stream that comes third waits until an end of its side leaves.
struct stream_link {
  stream_number number;
  bearer* core = nullptr;    ///< the core end, while there is one
  component* wic = nullptr;  ///< the access end, while there is one
  std::vector<bearer*> waiting_cores;
  std::vector<component*> waiting_wics;
  bool core_interlinked = false;
  bool wic_interlinked = false;
  bool interlinked() const noexcept { return core_interlinked || wic_interlinked; }
  /// A component without a core end has only its own mode to mind.
  flow_gate gate{stream_mode::inactive, stream_mode::send_receive};
  bool channel_is_up = false;
  bool core_is_up = false;
  /// Whether the layers of an end are ordered because the other end is up. Either end may ask for the interlinking.
  bool orders_core() const noexcept { return core && interlinked() && channel_is_up; }
  bool orders_wic() const noexcept { return wic && interlinked() && core_is_up; }
  /// Gives those orders; called whenever an end came, came up, or was interlinked.
  void interlink();

  /// The ends' modes and the topology between them; the gate shows what is left.
  stream_mode core_mode = stream_mode::send_receive;
  stream_mode wic_mode = stream_mode::inactive;
  bool to_core = true;
  bool to_wic = true;
  void open_or_close_gate();

  /// False: the place is taken, and `end` waits.
  bool add(bearer* end) { return add(end, core, waiting_cores); }
  bool add(component* end) { return add(end, wic, waiting_wics); }
  /// True: `end` had the place. It is free now or the next one's, in its initial state.
  bool remove(bearer* end) {
    if (!remove(end, core, waiting_cores)) return false;
    core_interlinked = false;
    core_is_up = false;
    core_mode = stream_mode::send_receive;
    open_or_close_gate();
    return true;
  }
  bool remove(component* end) {
    if (!remove(end, wic, waiting_wics)) return false;
    wic_interlinked = false;
    channel_is_up = false;
    wic_mode = stream_mode::inactive;
    open_or_close_gate();
    return true;
  }

 private:
  template <class T>
  static bool add(T* end, T*& place, std::vector<T*>& waiting) {
    if (!place) place = end;
    if (place != end && std::ranges::find(waiting, end) == waiting.end()) waiting.push_back(end);
    return place == end;
  }
  template <class T>
  static bool remove(T* end, T*& place, std::vector<T*>& waiting) {
    std::erase(waiting, end);
    if (place != end) return false;
    place = nullptr;
    if (waiting.empty()) return true;
    place = waiting.front();
    waiting.erase(waiting.begin());
    return true;
  }
};

/// What comes in from the WIC goes to the core and the other way round, so a direction that the topology closes is one in which the
/// access end may not receive (or send). The data then waits at the gate.
inline void stream_link::open_or_close_gate() {
  auto left = stream_mode::inactive;
  const bool in = receives(wic_mode) && to_core;
  const bool out = sends(wic_mode) && to_wic;
  if (in && out) {
    left = stream_mode::send_receive;
  } else if (in) {
    left = stream_mode::receive_only;
  } else if (out) {
    left = stream_mode::send_only;
  }
  gate.set(side::wic, left);
  gate.set(side::core, core_mode);
}

}  // namespace agw::gateway
