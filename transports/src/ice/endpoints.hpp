// The two kinds of ICE endpoint behind ice::reserve(), and what they share.
#pragma once

#include "agw/transports/ice_stage.hpp"

namespace agw::ice {

/// Lite, or plain UDP when ICE is not used.
result<std::unique_ptr<endpoint>> reserve_lite(loop_executor executor, const config& settings, port_pool& ports);
/// libnice's NiceAgent.
result<std::unique_ptr<endpoint>> reserve_full(loop_executor executor, const config& settings, port_pool& ports);

/// The candidates of an SDP that can be used, at most 25; the others are counted (drops "ice" "candidate") and passed over.
std::vector<candidate> usable_candidates(const remote_parameters& remote);

}  // namespace agw::ice
