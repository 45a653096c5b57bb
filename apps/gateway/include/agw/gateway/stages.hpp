// The subprotocol stages that agw brings along.
#pragma once

#include "agw/gateway/subprotocol.hpp"

namespace agw::gateway {

/// MSRP between the channel and the bearer, agnostic or as a back-to-back user agent, as the core termination's Local says.
awaitable<component_end> msrp_stage(component_context& c);

/// Adds "msrp" under its dcmap name.
void add_builtin_stages(subprotocol_registry& registry);

}  // namespace agw::gateway
