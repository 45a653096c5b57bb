// What every context of a gateway shares: configuration, ports, keys, stacks, the stages of the subprotocols.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agw/core/replaceable.hpp"
#include "agw/core/stage.hpp"
#include "agw/gateway/model.hpp"
#include "agw/gateway/subprotocol.hpp"
#include "agw/msrp/uri.hpp"
#include "agw/transports/dtls_context.hpp"
#include "agw/transports/ice_parameters.hpp"
#include "agw/transports/port_pool.hpp"
#include "agw/transports/shared_port.hpp"
#include "agw/transports/tcp.hpp"
#include "agw/transports/tls_stream.hpp"

namespace agw::gateway {

struct gateway_config {
  ice::agent_mode ice_mode = ice::agent_mode::lite;
  bool ice_tcp = false;                               ///< a passive TCP candidate, too
  std::optional<udp::endpoint> stun;                ///< with full ICE, see ice::config
  std::optional<ice::turn_server> turn;
  std::chrono::milliseconds gather_timeout{2'000};    ///< for the answers of these servers, within the Add
  std::chrono::milliseconds consent_timeout{30'000};
  std::size_t mtu_bytes = 1400;                       ///< largest UDP payload towards the WIC; beyond 1200 where the path carries it
  std::uint16_t sctp_streams = 64;                    ///< asked for at set-up, or as many as the channels need that are known then
  std::chrono::milliseconds hold_limit{30'000};       ///< see sctp::config
  msrp::uri_match msrp_match = msrp::uri_match::exact;  ///< see msrp_options
  std::chrono::milliseconds accept_patience{10'000};  ///< how long a listening bearer waits once everything else is up
  std::chrono::milliseconds flush_time{500};          ///< Subtract: what is under way may still arrive
  std::chrono::milliseconds shutdown_time{200};       ///< Subtract: for SCTP's SHUTDOWN, then ABORT
  tcp::config tcp;
};

/// Read-only once the shards run, but for the keys, which may be replaced: a stream keeps those that it was reserved with. Outlives every
/// context. Its ports, keys and registries may be used from any shard.
struct gateway_services {
  gateway_config config;
  stage_services stages;
  port_pool* ports = nullptr;         ///< of sockets that SDP names
  const ice::shared_ports* shared_ports = nullptr;  ///< of ICE-lite associations; null: each has a port of its own
  port_pool* source_ports = nullptr;  ///< from which connections to the core are dialled; null: the system chooses
  replaceable<const agw::dtls::context> dtls;
  replaceable<agw::tls::context> tls;
  subprotocol_registry subprotocols;
  std::string start_stamp;            ///< of the process: log lines name a call by it and its context, "65f0c1a2b3-7"; empty: "context 7"
};

/// What log lines call a context.
std::string call_name(const gateway_services& services, context_id id);

/// Called on the context's shard for everything the gateway reports by itself.
using event_sink = std::function<void(gateway_event)>;

}  // namespace agw::gateway
