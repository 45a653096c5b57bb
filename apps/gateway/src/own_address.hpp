// Which of an interface's addresses a stream gets.
#pragma once

#include <optional>

#include <boost/system/result.hpp>

#include "agw/gateway/model.hpp"

namespace agw::gateway {

/// An address that a socket is bound to, and the one that peers and the controller are told: the same without NAT.
struct own_address {
  ip_address bound;
  ip_address shown;
};

/// The interface's address of that family; nothing when it has none.
std::optional<own_address> address_of(const interface_addresses& all, ip_family family);

/// What Local asks for: the address that it names, which is one that peers are told; else one of the family; else the first.
/// refusal: bad_value for an address that is not the interface's, conflict for a family that it does not have.
boost::system::result<own_address, refusal> choose_address(const interface_addresses& all, const std::optional<ip_address>& named,
                                                           std::optional<ip_family> family);

}  // namespace agw::gateway
