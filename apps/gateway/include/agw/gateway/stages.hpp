// The subprotocol stages that agw brings along.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "agw/core/metrics.hpp"
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

/// The failure vocabulary: each layer's and each subprotocol's stage with each of its reasons. A stage of one's own may have more of them.
void each_failure(const subprotocol_registry& registry, const std::function<void(std::string_view stage, std::string_view reason)>& f);
/// Every series that a gateway counts is there with 0 from now on.
void declare_metrics(metrics& m, const subprotocol_registry& registry);

}  // namespace agw::gateway
