// The MGC's side of registrations: which gateways are in service, with which version, under which address.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <agw/core/event.hpp>
#include <agw/h248/endpoint.hpp>
#include <agw/h248/transaction_executor.hpp>

namespace agw::h248 {

/// A gateway as the MGC knows it.
struct registered_gateway {
  peer_address address{};      // where requests to it go
  peer_address source{};       // where it registered from: the same, unless it named a ServiceChangeAddress
  mid_name mid{};
  std::uint8_t version = 1;    // agreed
  std::string profile{};       // as announced, "threegiq/1"; empty: none
  bool draining = false;       // it announced Graceful: no new calls
  bool silent = false;         // a request to it timed out or its connection ended, and it has not spoken since
  clock::time_point since{};
};

struct registry_config {
  std::uint8_t version = 3;          // the highest we speak
  std::uint8_t min_version = 1;      // below: error 406
  std::string profile = "threegiq";  // the one we support; another one is answered with it. Empty: any
  std::uint8_t profile_version = 1;
  std::optional<mid_name> redirect{};  // MgcIdToTry for who registers: we don't take gateways
  std::size_t max_gateways = 4096;
  clock::duration audit_interval = std::chrono::seconds(60);  // silence after which watch() asks whether the gateway is there; 0: never
};

/// What a ServiceChange on ROOT did, or the silence of a gateway.
enum class gateway_change : std::uint8_t {
  restarted,    // Restart: its contexts are gone
  reconnected,  // Disconnected, Failover, HandOff: its contexts may stand; audit
  draining,     // Graceful
  resumed,      // Restart with 918: Graceful is taken back
  gone,         // Forced
  lost,         // it does not answer
  silent,       // registered still, but it did not answer a request, or its connection ended
  heard,        // it speaks again
};
using gateway_observer = std::function<void(gateway_change, const registered_gateway&)>;

/// Shard-bound, on the endpoint's executor; both live until the endpoint has ended. A ServiceChange with the mId of a gateway that
/// is registered from another address is refused (error 504), and the registered one is asked whether it is there: a gateway that
/// moved is taken at its next attempt.
class gateway_registry {
 public:
  gateway_registry(endpoint& control, registry_config config);

  void on_change(gateway_observer observer);
  /// Executes a ServiceChange on ROOT: answers it in `state`, and sets the endpoint's version for the gateway (from the next message on).
  void service_change(action_state& state, const command& asked);
  /// Null if no such gateway is registered.
  const registered_gateway* find(const mid& id) const;
  const registered_gateway* find(const peer_address& address) const;
  const std::map<std::string, registered_gateway>& all() const noexcept { return gateways_; }
  /// No longer registered: it does not answer (gateway_change::lost).
  void forget(const mid& id);
  /// A request came that the registry does not execute. True: it came from the host of the gateway that its mId names, which is not
  /// silent then.
  bool heard(const incoming_request& request);
  /// Audits gateways that were silent for long and those whose mId another one claims, and forgets those that do not answer. Runs
  /// until cancelled.
  awaitable<void> watch();

 private:
  void enter(action_state& state, const command& asked, const services_descriptor& services);
  bool contested(const incoming_request& request, const services_descriptor& services);
  void on_peer(const peer_address& peer, bool alive);
  void set_silent(registered_gateway& gateway, bool silent);
  void remove(const std::string& name, gateway_change why);
  void tell(gateway_change what, const registered_gateway& gateway);
  awaitable<void> ask(std::string name, peer_address to, clock::duration patience);

  endpoint& control_;
  registry_config config_;
  std::map<std::string, registered_gateway> gateways_;  // by the text of the mid
  std::vector<gateway_observer> observers_;
  std::set<std::string> audited_;  // by watch(), now
  std::set<std::string> claimed_;  // to be audited at once: another gateway says it is this one
  event claims_;
};

}  // namespace agw::h248
