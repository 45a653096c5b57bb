// A call between a WIC and a TCP peer, both in the test's process, through a real context: each layer is the real one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agw/core/sockets.hpp"
#include "agw/gateway/testing/wic.hpp"

namespace agw::testing {

/// A port that listens on loopback, for an active bearer.
tcp_acceptor listening(rig& r);
/// Dials a port of the gateway.
awaitable<tcp_socket> dial(rig& r, std::uint16_t port, std::string from = "127.0.0.1");

/// What the messages say, one behind the other.
std::string read_all(const std::vector<message>& messages);

/// A call through the context of a rig, up to the open channel of stream 2 and its TCP connection. Before run() a test may change what the controller
/// asks for (adjust, adjust_core), and the WIC's options.
struct call {
  explicit call(rig& r, bool with_ice = false);

  /// Sets the call up, and runs `body(tasks)`: channel and core are open. Throws what went wrong, and what the body throws.
  template <class F>
  awaitable<void> run(gateway::context& gateway, F body) {
    auto held = std::make_shared<F>(std::move(body));  // std::function copies, and what a body holds can't always be copied
    return run_to_end(gateway, [held](task_group& tasks) { return (*held)(tasks); });
  }

  /// A message of the WIC: binary, or text.
  awaitable<void> say(std::string text);
  awaitable<void> say_text(std::string text);
  /// Reads from the core until `end` was seen.
  awaitable<std::string> core_hears(std::string end);
  /// The core has what the WIC says, to the letter.
  awaitable<void> passes_to_core(std::string id, std::string text);
  /// Reads from the channel until `end` was seen.
  awaitable<std::string> wic_hears(std::string end);

  wic browser;
  tcp_acceptor listens;  ///< where the gateway dials
  tcp_socket core;       ///< what it dialled
  gateway::association_answer access;
  std::unique_ptr<sctp::data_channel> channel;  ///< the WIC's
  std::string heard;                            ///< from the core, and not asked for yet
  std::function<void(gateway::termination_change&)> adjust;       ///< what is asked for the access side
  std::function<void(gateway::termination_change&)> adjust_core;  ///< for the core side
  std::function<void(gateway::context&)> adjust_channel;          ///< called when the WIC has opened its channel
  std::function<void(bytes_view)> tap;                   ///< see wic::tap

 private:
  awaitable<void> run_to_end(gateway::context& gateway, std::function<awaitable<void>(task_group&)> body);
  awaitable<void> say(std::string text, message_kind kind);

  rig& r_;
};

}  // namespace agw::testing
