// A gateway context on a loop of its own, with real sockets on loopback.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agw/core/event.hpp"
#include "agw/gateway/context.hpp"
#include "agw/gateway/testing/changes.hpp"
#include "agw/testing/loop.hpp"
#include "agw/transports/sctp_stack.hpp"

namespace agw::testing {

/// The certificate of every rig.
std::shared_ptr<const dtls::context> gateway_identity();

/// A context and its surroundings. Everything runs inside run(); the context is closed behind the body. Stages of one's own are added to
/// services.subprotocols before.
struct rig {
  static constexpr std::chrono::seconds patience{20};        ///< of each stage
  static constexpr std::chrono::seconds event_patience{30};  ///< of event_of() and events_of()

  rig();

  /// Runs `body(context&)` to its end, and rethrows what it threw.
  template <class F>
  void run(F body) {
    run_to_end([&body](gateway::context& gateway) { return body(gateway); });
  }

  /// Waits until an event of that stage came; what it said.
  awaitable<gateway::gateway_event> event_of(std::string stage, gateway::gateway_event::kind what, gateway::stream_number stream = s2);
  /// Waits until as many of these have come.
  awaitable<void> events_of(std::string stage, gateway::gateway_event::kind what, std::size_t count, gateway::stream_number stream = s2);
  /// How many have come.
  std::size_t count(std::string_view stage, gateway::gateway_event::kind what, gateway::stream_number stream = s2) const;
  bool saw(std::string_view stage, gateway::gateway_event::kind what, gateway::stream_number stream = s2) const {
    return count(stage, what, stream) > 0;
  }

  asio::io_context loop{1};
  sctp::stack stack;  ///< one a process: one rig at a time
  port_pool ports{0, 0};
  gateway::gateway_services services;
  std::vector<gateway::gateway_event> events;  ///< all that came
  event changed;

 private:
  void run_to_end(std::function<awaitable<void>(gateway::context&)> body);
};

/// Lets everything that is ready run: several turns of the loop.
awaitable<void> settle();

/// Of the component stream on that side.
awaitable<void> set_mode(gateway::context& gateway, gateway::termination_id side, stream_mode mode);

}  // namespace agw::testing
