// The H.248 side of the controller: gateways that register, requests of calls to the gateway they are on, and what gateways notify.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agw/core/event.hpp"
#include "agw/h248/endpoint.hpp"
#include "agw/h248/registration_registry.hpp"
#include "gateways.hpp"
#include "trace_book.hpp"

namespace agw::controller {

class mgc;

/// A call, as the MGC knows it. None of these may end the call before it returns.
class call_control {
 public:
  virtual ~call_control() = default;
  virtual void on_notify(const h248::command& notify) = 0;
  virtual void on_traced(const traced_message& message) = 0;
  /// The life of its gateway has ended, and with it the call's context.
  virtual void on_gateway_over() = 0;
  /// Its gateway was away and is back: the context may stand or not.
  virtual void on_gateway_back() = 0;
};

/// The actions of a request, with the texts that they refer to.
struct composed {
  std::deque<std::string> texts;
  h248::list<h248::action> actions;
  std::string summary;
  int step = 0;
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

/// A call's place on a gateway: its entry among the gateway's calls, and its context there. Empty until mgc::place().
class call_place {
 public:
  call_place() = default;
  call_place(const call_place&) = delete;
  call_place& operator=(const call_place&) = delete;
  ~call_place() { leave(); }
  void leave();

  explicit operator bool() const noexcept { return life_ != nullptr; }
  const gateway_life& gateway() const noexcept { return *life_; }
  /// CHOOSE until the first Add was answered.
  h248::context_id context() const noexcept { return context_; }
  /// The context is gone by Subtract.
  void subtracted();
  /// Subtract got no reply: the context is released when the gateway speaks again.
  void abandoned();

 private:
  friend class mgc;
  mgc* control_ = nullptr;
  call_control* owner_ = nullptr;
  gateway_ptr life_;
  h248::context_id context_ = h248::context_id::choose();
};

/// Lives on the controller's loop, longer than its calls.
class mgc {
 public:
  mgc(loop_executor executor, h248::endpoint_config config, agw::metrics* counted, h248::registry_config gateways = {},
      gateway_options options = {});
  h248::endpoint& control() noexcept { return control_; }

  /// Everything that runs beside calls, until cancelled: the endpoint, audits of silent gateways, and the release of contexts that no
  /// call knows.
  awaitable<void> run();

  const gateway_pool& gateways() const noexcept { return pool_; }
  /// Called whenever something about a gateway changes.
  std::function<void()> on_gateway;
  /// Sees the messages that concern no call.
  std::function<void(const traced_message&)> on_traced;

  /// Places a call on a gateway. False: there is none that takes calls.
  bool place(call_place& where, call_control& owner);
  /// Sends a request for a placed call to its gateway and waits for the reply. The context of the first reply becomes the call's.
  /// errc::disconnected when the life of its gateway is over. `where` and `what` belong to the caller's frame.
  awaitable<result<h248::incoming_reply>> request(call_place& where, composed& what);
  /// AuditValue on ROOT of each gateway; what comes back is traced.
  awaitable<void> audit_gateways();

 private:
  friend class call_place;
  class runner;
  struct early_notify {
    std::weak_ptr<gateway_life> from;
    h248::incoming_request request;
    const h248::command* notify;
    std::uint32_t context;
  };
  void attach(call_place& where, const h248::incoming_reply& reply);
  void notified(const h248::incoming_request& request, h248::context_id context, const h248::command& notify);
  void on_change(h248::gateway_change what, const h248::registered_gateway& gateway);
  void trace(h248::direction way, const h248::peer_address& peer, std::string_view text);
  void want_tidy(gateway_ptr life);
  awaitable<void> keep_tidy();
  awaitable<void> tidy(gateway_ptr life);
  awaitable<void> clear(gateway_ptr life);
  awaitable<void> find_orphans(gateway_ptr life);
  awaitable<void> release_orphans(gateway_ptr life);

  h248::endpoint control_;
  h248::gateway_registry registry_;
  gateway_pool pool_;
  trace_book book_;
  std::deque<early_notify> early_;     // of contexts whose Add has no reply yet
  std::uint64_t adds_ = 0;            // of new contexts, so far
  std::size_t choosing_ = 0;          // of them under way
  std::vector<gateway_ptr> to_tidy_;  // gateways that may hold contexts that no call knows
  event tidy_wanted_;
};

}  // namespace agw::controller
