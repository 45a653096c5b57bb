// MSRP paths and fingerprints in SDP values, as bearers and components share them.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "agw/gateway/model.hpp"
#include "agw/transports/tls_stream.hpp"

namespace agw::gateway {

/// An MSRP URI of our own with a fresh session id: msrp[s]://address:port/session;tcp.
std::string make_msrp_path(const ip_address& address, std::uint16_t port, bool tls);

/// The URIs of a path with one blank between them, as MSRP writes it.
std::string joined_path(const std::vector<std::string>& path);

/// A refusal when one of the paths is given and not a list of MSRP URIs. For aware mode: agnostic mode does not use them.
std::optional<refusal> check_paths(std::initializer_list<const std::vector<std::string>*> paths);

/// What the core peer's certificate must match: its fingerprints where Remote gave some.
tls::peer_check tls_check(const bearer_remote& remote);

}  // namespace agw::gateway
