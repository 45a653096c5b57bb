// What the process tells of itself: gauges of its state and limits, and whether it is alive and ready.
#pragma once

#include <map>
#include <string>

#include "agw/core/metrics.hpp"
#include "agw/gateway/services.hpp"
#include "agw/h248/registration.hpp"
#include "agw/iq/media_gateway.hpp"
#include "agw/server/options.hpp"
#include "health.hpp"
#include "loop_watch.hpp"

namespace agw::server {

/// Series that do not need the parts: build, process, log, and 0 for what has not happened yet. `services` has its subprotocols.
void declare_series(metrics& counted, const gateway::gateway_services& services);

/// agw_registrations_total, from now on. Both outlive what the registration does.
void count_registrations(metrics& counted, h248::registration& registration);

/// agw_last_reload_successful
void tell_reload(metrics& counted, bool taken);

/// Of the control loop; the exposition asks it, so it lives as long as HTTP is served, and everything that it refers to as long as itself.
class self_report {
 public:
  self_report(metrics& counted, const server_options& options, const gateway::gateway_services& services, const h248::registration& registration,
              const iq::media_gateway& gateway, const loop_watch& loops);

  health_facts look() const;

 private:
  void name_controllers();
  void sample_state();
  void sample_controller();
  void sample_interfaces();
  void sample_certificates();

  metrics& counted_;
  const server_options& options_;
  const gateway::gateway_services& services_;
  const h248::registration& registration_;
  const iq::media_gateway& gateway_;
  const loop_watch& loops_;
  clock::time_point heard_ = clock::now();  ///< a controller of ours, last
  std::map<std::string, gauge*> registered_;
};

}  // namespace agw::server
