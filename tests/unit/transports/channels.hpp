// Channels between the two associations of an sctp_world.
#pragma once

#include <optional>
#include <string>

#include "agw/transports/data_channel.hpp"
#include "sctp_link.hpp"

namespace agw::sctp_test {

inline sctp::channel_expectation expect_msrp(std::optional<std::string> label = {}) { return {"msrp", std::move(label)}; }

inline sctp::dcep_open msrp_open(std::string label = "chat") {
  sctp::dcep_open open;
  open.label = std::move(label);
  open.protocol = "msrp";
  return open;
}

/// Runs `body(pair)` on a perfect link.
template <class F>
void with_channels(sctp_world& world, F body, sctp::config left = {}, sctp::config right = {}, link_quality quality = {}) {
  sctp_link wire(quality);
  world.run([&]() -> awaitable<void> { co_await with_pair(wire, left, right, body); });
}

/// What `operation` threw, as "stage:reason", "cancelled", or "" when it returned.
template <class T>
awaitable<std::string> outcome(awaitable<T> operation) {
  try {
    co_await std::move(operation);
  } catch (const stage_error& e) {
    co_return e.cause();
  }
  co_return std::string();
}

}  // namespace agw::sctp_test
