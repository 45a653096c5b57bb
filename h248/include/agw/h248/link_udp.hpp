// H.248 over UDP (H.248.1 D.1): one message a datagram.
#pragma once

#include <memory>

#include <agw/h248/link.hpp>

namespace agw::h248 {

/// Bound to `local` (port 0: any free port, see message_link::local()). Fails with the system's error: address in use, not ours, ….
result<std::unique_ptr<message_link>> open_udp_link(loop_executor executor, const peer_address& local);

}  // namespace agw::h248
