// A subprotocol for data channels, from the wire to the counters: start from this when you write your own.
#pragma once

#include "agw/gateway/subprotocol.hpp"

namespace agw::examples {

/// "lines": each text message of the channel is one line on the core's TCP or TLS stream, and each line there is one text message.
/// Lines end with LF towards the core; CR LF is taken, too. Chosen by a=dcmap:… subprotocol="lines".
///
/// Yields the side that closed, or `finished` when it was asked to end: what was taken before that is passed on first, within
/// half a second. Throws stage_error "lines" with "too-large" or "syntax" for what a peer sent (line_codec.hpp says what that
/// may be), and whatever the pipes throw. Holds 4 KiB of the stream, one unfinished line, and what one receive() of the channel
/// yields; whatever exceeds that waits in the peer's send buffer.
awaitable<gateway::component_end> lines_stage(gateway::component_context& c);

/// Adds the stages of this folder under their dcmap names.
void add_stages(gateway::subprotocol_registry& registry);

}  // namespace agw::examples
