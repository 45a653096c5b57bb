// What every shard and the control loop know of the gateway.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agw/gateway/services.hpp"
#include "agw/iq/media_gateway.hpp"

namespace agw::iq {

/// Any thread reads it. It changes only while no shard runs (media_gateway::set_limits).
struct gateway_facts {
  gateway_facts(media_gateway_config c, const gateway::gateway_services& s) : config(std::move(c)), services(s) {}

  media_gateway_config config;
  const gateway::gateway_services& services;

  /// By name, which compares without case; null when there is none.
  const interface_config* interface(std::string_view name) const;
};

/// Which parts of the gateway serve: a value that the control loop makes anew when something of it changes, and sends with each action.
struct service_status {
  std::set<std::string> out;    ///< lower-case names of interfaces that the MGC took out of service or whose address is gone
  bool out_of_service = false;  ///< Forced on ROOT

  bool serves(std::string_view interface) const;
};

}  // namespace agw::iq
