// What the two ends of one stream share: the component on the access termination and the bearer on the core termination.
#pragma once

#include "agw/core/event.hpp"
#include "agw/gateway/model.hpp"
#include "agw/msrp/flow_gate.hpp"

namespace agw::gateway {

class bearer;

/// Belongs to the context, one per stream number, and outlives both ends.
struct stream_link {
  stream_number number;
  bearer* core = nullptr;  ///< the core end, while there is one
  /// A component without a core end has only its own mode to mind.
  msrp::flow_gate gate{msrp::stream_mode::inactive, msrp::stream_mode::send_receive};
  event core_changed;   ///< the component waits for it: an end came, or its stream came up
  event channel_up;     ///< the bearer's patience waits for it
  bool channel_is_up = false;
};

/// The same modes in the words of the relay.
constexpr msrp::stream_mode as_gate_mode(stream_mode m) noexcept {
  switch (m) {
    case stream_mode::inactive: return msrp::stream_mode::inactive;
    case stream_mode::send_only: return msrp::stream_mode::send_only;
    case stream_mode::receive_only: return msrp::stream_mode::receive_only;
    case stream_mode::send_receive: return msrp::stream_mode::send_receive;
  }
  return msrp::stream_mode::inactive;
}

}  // namespace agw::gateway
