// A gateway context on a loop of its own, with real sockets on loopback.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "agw/core/until.hpp"
#include "agw/gateway/context.hpp"
#include "agw/gateway/stages.hpp"
#include "agw/gateway/testing/changes.hpp"
#include "agw/testing/loop.hpp"
#include "agw/transports/sctp_stack.hpp"

namespace agw::testing {

/// The certificate of every rig.
inline std::shared_ptr<const dtls::context> gateway_identity() {
  static const auto made = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
  return made;
}

/// A context and its surroundings. Everything runs inside run(); the context is closed behind the body. Stages of one's own are added to
/// services.subprotocols before.
struct rig {
  static constexpr std::chrono::seconds patience{20};        ///< of each stage
  static constexpr std::chrono::seconds event_patience{30};  ///< of event_of() and events_of()

  rig() {
    for (const auto* stage : {"ice", "dtls", "sctp", "channel", "tcp", "tls"}) services.stages.deadlines.emplace(stage, patience);
    services.ports = &ports;
    services.dtls = gateway_identity();
    services.config.flush_time = patience;  // tests that end by it set their own
    services.config.accept_patience = patience;
    gateway::add_builtin_stages(services.subprotocols);
  }

  /// Runs `body(context&)` to its end, and rethrows what it threw.
  template <class F>
  void run(F body) {
    testing::run(loop, [&]() -> awaitable<void> {
      auto sink = [this](gateway::gateway_event e) {
        events.push_back(std::move(e));
        changed.set();
      };
      gateway::context gateway(services, loop.get_executor(), gateway::context_id{7}, sink);
      std::exception_ptr error;
      try {
        co_await body(gateway);
      } catch (...) {
        error = std::current_exception();
      }
      co_await gateway.close();
      if (error) std::rethrow_exception(error);
    });
  }

  /// Waits until an event of that stage came; what it said.
  awaitable<gateway::gateway_event> event_of(std::string stage, gateway::gateway_event::kind what, gateway::stream_number stream = s2) {
    for (;;) {
      for (const auto& e : events) {
        if (e.stage == stage && e.what == what && e.stream == stream) co_return e;
      }
      co_await until(deadline_after(event_patience), changed.wait());
    }
  }
  /// Waits until as many of these have come.
  awaitable<void> events_of(std::string stage, gateway::gateway_event::kind what, std::size_t count, gateway::stream_number stream = s2) {
    while (this->count(stage, what, stream) < count) co_await until(deadline_after(event_patience), changed.wait());
  }
  /// How many have come.
  std::size_t count(std::string_view stage, gateway::gateway_event::kind what, gateway::stream_number stream = s2) const {
    std::size_t out = 0;
    for (const auto& e : events) out += e.stage == stage && e.what == what && e.stream == stream;
    return out;
  }
  bool saw(std::string_view stage, gateway::gateway_event::kind what, gateway::stream_number stream = s2) const {
    return count(stage, what, stream) > 0;
  }

  asio::io_context loop{1};
  sctp::stack stack;  ///< one a process: one rig at a time
  port_pool ports{0, 0};
  gateway::gateway_services services;
  std::vector<gateway::gateway_event> events;  ///< all that came
  event changed;
};

/// Lets everything that is ready run: several turns of the loop.
inline awaitable<void> settle() {
  for (int i = 0; i < 50; ++i) co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
}

/// Of the component stream on that side.
inline awaitable<void> set_mode(gateway::context& gateway, gateway::termination_id side, stream_mode mode) {
  gateway::stream_change wanted;
  wanted.mode = mode;
  auto change = with_stream(side, s2, std::move(wanted));
  (void)co_await gateway.apply(std::move(change));
}

}  // namespace agw::testing
