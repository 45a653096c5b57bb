// What the controller's part of agw-load says of a call in SDP, and what it reads from the gateway's answers. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agw/transports/fingerprint.hpp"
#include "agw/transports/ice_parameters.hpp"
#include "agw/transports/udp.hpp"

namespace agw::load {

/// The WIC, as its SDP would have it.
struct wic_description {
  udp::endpoint address;
  ice::credentials credentials;
  std::string fingerprint;
  std::uint16_t sctp_port = 5000;
  std::optional<std::uint16_t> channel;  ///< negotiated by a=dcmap; absent: the WIC opens it by DCEP
};

/// The core peer, which waits for the gateway's connection.
struct core_description {
  asio::ip::address address;
  std::uint16_t port = 0;
};

/// The gateway's side of the association, from the filled Local.
struct gateway_description {
  udp::endpoint address;
  ice::credentials credentials;
  std::vector<dtls::fingerprint> fingerprints;
  std::uint16_t sctp_port = 5000;
  std::size_t max_message_bytes = 65536;
};

std::string wic_path_of(const wic_description& wic, std::string_view session);
std::string core_path_of(const core_description& core, std::string_view session);

/// Local and Remote of the core's stream; both paths are of the peers, which the gateway passes on (msrp-cema).
std::string core_local(const core_description& core);
std::string core_remote(const core_description& core, std::string_view path);
/// Local and Remote of the association: the WIC is the DTLS client.
std::string association_local(const wic_description& wic);
std::string association_remote(const wic_description& wic);
/// Of the channel; `path`: the other side's for Local, the WIC's for Remote.
std::string channel_lines(const wic_description& wic, std::string_view setup, std::string_view path);

/// Nothing where something is missing or wrong.
std::optional<gateway_description> read_association(std::string_view filled_local);

}  // namespace agw::load
