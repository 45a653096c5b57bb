// The controller of the load's calls: gateways register here, and each call has its context by the transactions of the profile's call flow.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agw/core/event.hpp"
#include "agw/core/task_group.hpp"
#include "agw/h248/endpoint.hpp"
#include "agw/h248/registration_registry.hpp"
#include "call_description.hpp"

namespace agw::load {

/// The gateway's names for what we ask of it.
struct gateway_names {
  unsigned group = 1;
  std::string access_interface = "access";
  std::string core_interface = "core";
  std::string core_realm = "core";
};

struct call_request {
  wic_description wic;
  core_description core;
  std::string wic_path;
  std::string core_path;
  /// A stage of the call has failed at the gateway: its Cause. Called on the controller's loop.
  std::function<void(std::string cause)> on_failure;
};

struct open_call {
  std::uint32_t context = 0;
  gateway_description gateway;
};

struct mgc_counts {
  std::uint64_t transactions = 0;
  std::uint64_t notifies = 0;
  std::uint64_t unreleased = 0;  ///< contexts whose Subtract got no reply
};

/// Lives on one loop; every member is called there. Calls are made on the gateway that registered last.
class mgc {
 public:
  mgc(loop_executor executor, gateway_names names);

  /// False: an address cannot be had; the log says why.
  bool listen(const std::vector<h248::peer_address>& ends);
  /// Where it listens, with the port that the system chose.
  h248::peer_address local() const;
  /// Serves until cancelled.
  awaitable<void> run();

  /// Returns when a gateway is in service.
  awaitable<void> registered();
  std::string gateway_name() const;
  bool has_gateway() const noexcept { return gateway_.has_value(); }
  /// From now on nothing is asked of it.
  void lose_gateway(std::string why);
  /// The gateway has left, or began anew: its contexts are gone.
  std::function<void(std::string why)> on_gateway_lost;

  /// Add and Modify of the core's termination, Add of the access side's. Throws call_failure: "h248:412", "h248:timeout", …; whatever was
  /// made is subtracted then.
  awaitable<open_call> open(call_request request);
  /// Subtract of all in the context. False: no good reply came.
  awaitable<bool> release(std::uint32_t context);

  const mgc_counts& counts() const noexcept { return counts_; }

 private:
  class runner;
  struct transaction {
    std::deque<std::string> texts;
    h248::list<h248::action> actions;
    std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
    h248::command& add(h248::context_id context, h248::command_kind kind, std::string_view termination);
  };
  awaitable<h248::incoming_reply> perform(transaction& what);
  struct core_termination {
    std::uint32_t context = 0;
    std::string name;
    std::string local;
  };
  awaitable<core_termination> reserve_core(const call_request& request);
  awaitable<void> configure_core(const core_termination& at, const call_request& request);
  awaitable<gateway_description> add_access(std::uint32_t context, const call_request& request);
  void notified(h248::context_id context, const h248::command& notify);
  void changed(h248::gateway_change what, const h248::registered_gateway& gateway);
  std::string chosen(const std::string& interface) const;

  gateway_names names_;
  h248::endpoint control_;
  h248::gateway_registry registry_;
  std::optional<h248::registered_gateway> gateway_;
  event gateway_came_;
  h248::transport via_ = h248::transport::udp;
  std::unordered_map<std::uint32_t, std::function<void(std::string)>> calls_;
  mgc_counts counts_;
};

}  // namespace agw::load
