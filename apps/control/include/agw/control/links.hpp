// The links of an H.248 endpoint, opened as configuration names them.
#pragma once

#include <vector>

#include "agw/h248/endpoint.hpp"
#include "agw/h248/link_open.hpp"

namespace agw::control {

/// Gives `control` a link at each of `ends`, which have different transports; before it runs. False: one could not be opened, and one
/// line in the log says which and why. SCTP in UDP needs a sctp::stack that outlives `control`.
bool add_links(h248::endpoint& control, const std::vector<h248::peer_address>& ends, h248::link_side side);

}  // namespace agw::control
