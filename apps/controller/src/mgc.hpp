// The H.248 side of the controller: the gateway that registered, requests to it, and its Notify requests handed to the calls.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agw/h248/endpoint.hpp"
#include "agw/h248/registration_registry.hpp"

namespace agw::controller {

/// A message on the wire, for ladders.
struct traced_message {
  bool sent = false;
  std::uint32_t transaction = 0;
  std::string summary;
  std::string text;
  int step = 0;  ///< of figure 6.2.10.x.2.2; 0: none
  bool repeated = false;
  std::optional<unsigned> error;
};

/// A call, as the MGC knows it.
class call_control {
 public:
  virtual ~call_control() = default;
  virtual void on_notify(const h248::command& notify) = 0;
  virtual void on_traced(const traced_message& message) = 0;
};

/// The actions of a request, with the texts that they refer to.
struct composed {
  std::deque<std::string> texts;
  h248::list<h248::action> actions;
  std::string summary;
  int step = 0;
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

/// Lives on the controller's loop.
class mgc {
 public:
  mgc(asio::any_io_executor executor, h248::endpoint_config config, agw::metrics* counted, h248::registry_config gateways = {});
  h248::endpoint& control() noexcept { return control_; }

  /// The gateway that calls go to; nothing while none is registered, or while it drains.
  std::optional<h248::registered_gateway> gateway() const;
  /// Asks gateways that have long been silent whether they are there, until cancelled. Run it beside control().
  awaitable<void> watch() { return registry_.watch(); }
  /// Called whenever the gateway's registration changes.
  std::function<void(h248::gateway_change)> on_gateway;
  /// Sees the messages that concern no call.
  std::function<void(const traced_message&)> on_traced;

  /// Sends a request for a call and waits for the reply. `what` belongs to the caller's frame.
  awaitable<result<h248::incoming_reply>> request(call_control* owner, composed& what);
  void attach(h248::context_id context, call_control& owner) { by_context_.insert_or_assign(context.value, &owner); }
  void detach(call_control& owner);

 private:
  class runner;
  struct transaction_owner {
    call_control* owner = nullptr;
    std::string summary;
    int step = 0;
    unsigned seen = 0;
    unsigned answered = 0;
  };
  using transactions = std::map<std::uint32_t, transaction_owner>;
  void trace(h248::direction d, std::string_view text);
  void deliver(call_control* owner, const traced_message& message) const;
  static void bound(transactions& all);

  h248::endpoint control_;
  h248::gateway_registry registry_;
  std::map<std::uint32_t, call_control*> by_context_;
  std::deque<transaction_owner> about_to_send_;  ///< requests whose transaction id is not known yet, in their order
  transactions ours_;
  transactions theirs_;
};

}  // namespace agw::controller
