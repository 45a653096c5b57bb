// The subprotocol "upper": the gateway answers each text message of the channel by the same in capital letters.
#pragma once

#include <string>
#include <string_view>

#include <agw/gateway/subprotocol.hpp>

std::string upper(std::string_view text);

/// Ends when the browser closes the channel. Needs no stream towards the core.
agw::awaitable<agw::gateway::component_end> upper_stage(agw::gateway::component_context& c);

/// Under its dcmap name.
void add_upper(agw::gateway::subprotocol_registry& registry);
