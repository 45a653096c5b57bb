// The MG side of Iq: executes H.248 commands on the gateway's contexts and notifies what the MGC asked to hear of.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/shard.hpp"
#include "agw/gateway/services.hpp"
#include "agw/h248/endpoint.hpp"
#include "agw/h248/packages.hpp"
#include "agw/h248/registration.hpp"

namespace agw::iq {

/// One side of the gateway: the interface field of termination names, the realm it stands for, its addresses.
struct interface_config {
  std::string name;   ///< "access", "core"
  std::string realm;  ///< ipdc/realm
  gateway::interface_addresses addresses;
};

/// How much of something that calls need is taken.
struct resource_use {
  double share = 0;       ///< 0 to 1
  std::string_view what;  ///< a literal, for the log: "ports"
};

struct media_gateway_config {
  std::vector<interface_config> interfaces;   ///< the first is the default for Group and Interface CHOOSE
  std::uint16_t group = 1;
  std::size_t max_contexts = 100'000;
  std::size_t max_terminations_per_context = 8;
  /// Contexts in per cent of max_contexts, or of what else is scarcer, from which the gateway is overloaded: it tells (ocp/mg_overload), and
  /// takes new contexts only from a priority on that rises with the load; emergency calls up to the very last. 100: never.
  unsigned overload_percent = 90;
  /// The scarcest of what calls need besides a context; empty: nothing is. Asked once a second and with each new context.
  std::function<resource_use()> scarcest;
  /// Contexts that no command and no audit of an MGC has concerned for so long are ended; 0: never.
  clock::duration orphaned_after{};
  /// Of the events that ask for RegulatedNotify, how many in a hundred are notified; 0: the first of each kind only.
  unsigned regulated_notify_percent = 100;
  /// Whether an address is still the machine's; empty: asks the system. An interface without any of its addresses is out of service.
  std::function<bool(const gateway::ip_address&)> has_address;
};

/// Every series that the gateway and its calls count is there with 0 from now on. `stages` serve the channels.
void declare_metrics(metrics& m, const gateway::subprotocol_registry& stages);

class gateway_control;

/// Lives on the control loop, where every member is called. A context is an actor on its shard: actions of one context run one after the other, in
/// the order in which they came; those of different contexts run at the same time. close() ends contexts and the tasks that send Notify requests.
class media_gateway {
 public:
  /// Everything it refers to outlives it. `control` must be running for Notify requests to leave.
  /// `names` spells the provisional names as the MGC does.
  media_gateway(media_gateway_config config, const gateway::gateway_services& services, shard_pool& shards,
                h248::endpoint& control, h248::registration& registration, const h248::package_names& names);
  ~media_gateway();

  /// For endpoint::on_request.
  awaitable<void> execute(const h248::incoming_request& request, h248::outgoing_reply& reply);

  /// Heartbeats (hangterm), silence of the MGC (it), stopped flows (adid), interfaces that leave the machine: looks after them once
  /// a second, until cancelled. Run it beside the endpoint.
  awaitable<void> run();

  /// Subtracts everything, as at the end of the process; nothing is notified about it.
  awaitable<void> close();

  /// From now on no context is made, whatever the MGC says: requests for one get error 503. What stands goes on.
  void drain() noexcept;
  /// No new contexts, by drain() or by the MGC's word.
  bool draining() const noexcept;
  /// Waits until there is no context, or until `by`: false then. One may wait at a time.
  awaitable<bool> empty(deadline by);

  std::size_t contexts() const noexcept;

  /// Takes over max_contexts, max_terminations_per_context, overload_percent and orphaned_after; what stands beyond a new limit goes on. While it
  /// is called no shard runs: all read these.
  void set_limits(const media_gateway_config& from);
  /// Another spelling of names from now on. Those before must live on: what is under way refers to them.
  void set_names(const h248::package_names& names);

 private:
  std::shared_ptr<gateway_control> control_;
};

}  // namespace agw::iq
