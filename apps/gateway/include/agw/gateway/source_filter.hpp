// Which sources a stream takes packets and connections from.
#pragma once

#include <optional>
#include <string_view>

#include "agw/gateway/model.hpp"

namespace agw::gateway {

/// "192.0.2.1", "192.0.2.0/24", "2001:db8::/32", also in brackets. Nothing: malformed.
std::optional<address_range> parse_address_range(std::string_view text);
/// "5000" or "5000-5010". Nothing: malformed, or the last before the first.
std::optional<port_range> parse_port_range(std::string_view text);

bool contains(const address_range& range, const ip_address& address);

/// Without a range of its own the filter takes the remote address (port) that is known.
bool admits(const source_filter& filter, const std::optional<ip_address>& remote_address, std::uint16_t remote_port,
            const ip_address& source, std::uint16_t port);

}  // namespace agw::gateway
