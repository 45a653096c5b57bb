// The subprotocol stages that agw brings along.
#pragma once

#include <memory>

#include "agw/gateway/subprotocol.hpp"
#include "agw/msrp/session_directory.hpp"

namespace agw::gateway {

/// What all MSRP stages of a gateway share.
struct msrp_options {
  msrp::uri_match match = msrp::uri_match::exact;  ///< how requests are matched with the gateway's own sessions (aware mode)
  std::shared_ptr<msrp::session_directory> sessions = std::make_shared<msrp::session_directory>();  ///< those that are bound
};

/// MSRP between the channel and the bearer, agnostic or as a back-to-back user agent, as the core termination's Local says.
subprotocol_stage msrp_stage(msrp_options options = {});

/// Adds "msrp" under its dcmap name.
void add_builtin_stages(subprotocol_registry& registry, msrp_options options = {});

}  // namespace agw::gateway
