// Addresses of H.248 as agw's programs take them from command line and file: with a transport in front, or for UDP without.
#pragma once

#include <vector>

#include "agw/core/value_kind.hpp"
#include "agw/h248/link_address.hpp"

namespace agw::control {

/// Where H.248 is spoken: `[udp:|tcp:|sctp:|sctp+udp:]ADDRESS:PORT`. Port 0 lets the system choose.
value_kind<h248::peer_address> listen_address();

/// A controller: `[udp:|tcp:|sctp:|sctp+udp:]HOST[:PORT]`, an address or a name; without a port 2944, for sctp+udp 9899.
value_kind<h248::peer_name> mgc_name();

/// `at` once for each transport that one of `mgcs` is reached by, UDP first: a gateway's own ends. For SCTP over UDP any port.
std::vector<h248::peer_address> own_ends(const h248::peer_address& at, const std::vector<h248::peer_name>& mgcs);

}  // namespace agw::control
