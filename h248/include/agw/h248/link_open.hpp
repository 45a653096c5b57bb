// Opens the link that an address asks for, with the defaults of its side: programs name transports in their configuration only.
#pragma once

#include <memory>

#include <agw/h248/link.hpp>

namespace agw::h248 {

/// An MG dials its MGC, an MGC waits for gateways (H.248.1 D.2, TS 29.334 5.12). Over UDP there is no difference.
enum class link_side : std::uint8_t { gateway, controller };

/// Fails with the system's error (address in use, not ours, …), or errc::no_link for a transport this build has no link for.
result<std::unique_ptr<message_link>> open_link(loop_executor executor, const peer_address& local, link_side side);

}  // namespace agw::h248
