// What a Binding success says of the address that a check came from (RFC 8489, 14.2).
#pragma once

#include <span>
#include <string_view>

#include "agw/core/pipe.hpp"
#include "agw/transports/udp.hpp"

namespace agw::ice {

/// Whether `datagram` is a success response to a Binding request, by its header alone.
bool is_binding_success(bytes_view datagram) noexcept;

/// Whether it is a Binding request that nominates, by its header and the names of its attributes.
bool is_nominating(bytes_view datagram) noexcept;

/// The transaction id of a STUN message of at least 20 octets.
bytes_view transaction_of(bytes_view message) noexcept;

/// Writes `mapped` into the XOR-MAPPED-ADDRESS of a Binding success whose MESSAGE-INTEGRITY is of `password`, and makes that and the
/// FINGERPRINT fit. False, and nothing is changed: it is no such message, or its address is of another family.
bool readdress(std::span<std::byte> success, const udp::endpoint& mapped, std::string_view password);

}  // namespace agw::ice
