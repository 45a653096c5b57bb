// The subprotocol "upper": what the browser says reaches the core's stream in capital letters; what the core says passes as it is.
#pragma once

#include <agw/gateway/subprotocol.hpp>

/// Under its dcmap name.
void add_upper(agw::gateway::subprotocol_registry& registry);
