// The gateways that have registered, and which of them a new call goes to. No I/O.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agw/h248/ids.hpp"
#include "agw/h248/link_address.hpp"
#include "agw/h248/registration_registry.hpp"

namespace agw::controller {

class call_control;

/// What the configuration says of a gateway: the names that calls use there, and its share of them.
struct gateway_settings {
  unsigned weight = 1;                      ///< share of new calls, beside the weights of the others; 0: none
  unsigned group = 1;                       ///< second field of TerminationIDs, ip/GROUP/INTERFACE/ID
  std::string access_interface = "access";  ///< third field of terminations towards WICs; "$": the gateway's choice
  std::string access_realm;                 ///< ipdc/realm towards WICs; empty: not sent
  std::string core_interface = "core";      ///< the same towards the core
  std::string core_realm = "core";
  bool access_ip6 = false;                  ///< the access interface has an IPv6 address
};

struct gateway_options {
  gateway_settings all;                                     ///< of gateways without settings of their own
  std::map<std::string, gateway_settings, std::less<>> by_mid;  ///< by the mId's text
};

/// One life of a gateway: from its registration until it restarts, leaves or is lost. Calls hold the life that they were placed in, so
/// that nothing of theirs ever reaches the next one. Contexts and calls unregister themselves.
struct gateway_life {
  h248::registered_gateway registered;
  gateway_settings settings;
  std::string name;  ///< the mId's text
  bool over = false;
  std::map<std::uint32_t, call_control*> contexts;
  std::set<call_control*> calls;
  std::uint64_t placed = 0;  ///< when the last call was placed here, in calls
  std::set<std::uint32_t> orphans;   ///< contexts whose Subtract got no reply
  std::set<std::uint64_t> choosing;  ///< Adds of new contexts under way
  bool unsure = false;               ///< such an Add got no reply: there may be a context that no call knows
  bool tidying = false;              ///< they are being released now

  /// Whether new calls may be placed here.
  bool takes_calls() const noexcept { return !over && !registered.draining && !registered.silent && settings.weight > 0; }
  /// Whether a message from `peer` with this gateway's mId is the gateway's.
  bool is_at(const h248::peer_address& peer) const noexcept {
    return peer.host == registered.source.host || peer.host == registered.address.host;
  }
};
using gateway_ptr = std::shared_ptr<gateway_life>;

/// Shard-bound.
class gateway_pool {
 public:
  explicit gateway_pool(gateway_options options) : options_(std::move(options)) {}

  /// What the registry told. Yields the life that this ended, if it did.
  gateway_ptr changed(h248::gateway_change what, const h248::registered_gateway& gateway);
  /// Where a new call goes: the gateway with the fewest calls by weight, of several the one that got none for longest. Null: none takes
  /// calls.
  gateway_ptr choose() const;
  /// choose(), with the call entered there.
  gateway_ptr place(call_control& owner);
  gateway_ptr find(const h248::mid& id) const;
  const std::map<std::string, gateway_ptr>& all() const noexcept { return lives_; }

 private:
  gateway_options options_;
  std::map<std::string, gateway_ptr> lives_;
  std::uint64_t placed_ = 0;
};

}  // namespace agw::controller
