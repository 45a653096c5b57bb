// Small pieces about addresses in SDP values that bearers and components share.
#pragma once

#include <string>

#include "agw/gateway/model.hpp"
#include "agw/transports/tls_stream.hpp"

namespace agw::gateway {

/// An MSRP URI of our own with a fresh session id: msrp[s]://address:port/session;tcp.
std::string make_msrp_path(const ip_address& address, std::uint16_t port, bool tls);

/// What the core peer's certificate must match: its fingerprints where Remote gave some.
tls::peer_check tls_check(const bearer_remote& remote);

}  // namespace agw::gateway
