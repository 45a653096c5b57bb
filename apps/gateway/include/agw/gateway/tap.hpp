// Observing or changing what passes between an existing stage and its two sides.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "agw/gateway/subprotocol.hpp"

namespace agw::gateway {

/// Each hook is called once for each piece, in order, and may change it. A hook that is not set costs nothing. Octets of the stream are cut as
/// reads and writes happen to be. A message that a hook makes longer than the channel's max_message_bytes() fails there, as any other.
struct tap {
  std::function<void(message&)> from_wic;
  std::function<void(message&)> to_wic;
  std::function<void(std::span<std::byte>)> from_core;     ///< in place: as many octets as before
  std::function<void(std::vector<std::byte>&)> to_core;    ///< what one write gathers
};

/// The stage behind a tap, which is made for each channel: `registry.add("msrp", tapped(*registry.find("msrp"), make))`.
subprotocol_stage tapped(subprotocol_stage stage, std::function<tap(component_context&)> make);

}  // namespace agw::gateway
