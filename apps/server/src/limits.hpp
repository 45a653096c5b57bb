// Whether the limits of the configuration fit each other and the machine.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agw/server/options.hpp"
#include "agw/transports/port_pool.hpp"
#include "descriptors.hpp"

namespace agw::server {

/// Whether WICs may come over an interface of this name: over all but the one towards the core.
bool faces_wics(std::string_view interface) noexcept;

/// What limits.contexts = 0 stands for: as many calls as ports and descriptors allow.
std::size_t fitting_contexts(const server_options& o, std::size_t descriptors);

/// Says with figures that limits.contexts needs more ports than there are; nothing when it does not.
std::optional<std::string> port_remark(const server_options& o);

/// How many threads the system grants, and the processors that there are; the largest number: no limit.
struct thread_limits {
  std::size_t at_most = 0;
  std::size_t processors = 0;
};
thread_limits thread_limit();
std::optional<std::string> thread_remark(const server_options& o, const thread_limits& limits);

/// An interface none of whose addresses is of this machine: it serves no call.
struct absent_interface {
  std::string name;
  gateway::ip_address address;  ///< the first
  bool floating = false;        ///< the configuration expects that it comes and goes
};
std::vector<absent_interface> absent_interfaces(const server_options& o, const std::function<bool(const gateway::ip_address&)>& is_here);
/// "interfaces.access.address: 192.0.2.1 is no address of this machine"
std::string to_text(const absent_interface& i);

/// Says of each certificate of the configuration that it has expired or soon will, or is not valid yet.
std::optional<std::string> certificate_remark(const server_options& o);

/// All of these, as --check-config and the start of the gateway tell them.
std::vector<std::string> remarks(const server_options& o);

/// Ports, or descriptors where they are scarcer. For media_gateway_config::scarcest: of the control loop.
class scarcity {
 public:
  /// `ports` outlives it.
  scarcity(const port_pool& ports, std::size_t descriptors) : ports_(ports), descriptors_(descriptors) {}
  iq::resource_use now();

 private:
  const port_pool& ports_;
  std::size_t descriptors_;
  clock::time_point counted_at_{};
  double descriptors_taken_ = 0;  ///< when they were last counted: that is not free
};

}  // namespace agw::server
