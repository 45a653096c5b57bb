// A subprotocol for data channels: start from this when you write your own.
#pragma once

#include "agw/gateway/subprotocol.hpp"

namespace agw::examples {

/// Adds "lines", chosen by a=dcmap:… subprotocol="lines": each text message of the channel is one line on the core's TCP or TLS stream, and each
/// line there is one text message. Lines end with LF towards the core; CR LF is taken, too. Text is UTF-8 (RFC 8831, 6.6), without line ends
/// inside a message, of at most 8 KiB, and not longer than a=max-message-size. Anything else ends the stage: "lines:syntax" or
/// "lines:too-large".
void add_stages(gateway::subprotocol_registry& registry);

}  // namespace agw::examples
