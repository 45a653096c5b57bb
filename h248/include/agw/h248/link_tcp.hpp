// H.248 over TCP with TPKT (H.248.1 D.2). A peer is a connection: what came over it is answered over it. The side that dials
// reaches a peer under the address it listens at, the other one under the port that the connection came from.
#pragma once

#include <memory>

#include <agw/h248/link.hpp>
#include <agw/h248/link_connections.hpp>

namespace agw::h248 {

struct tcp_link_config : connection_config {
  clock::duration frame_timeout = std::chrono::seconds(10);  // for the rest of a message that has begun; then the connection is closed
};

/// Bound to `local`, for listening and as the source of connections (port 0: any free one). Fails with the system's error.
result<std::unique_ptr<message_link>> open_tcp_link(loop_executor executor, const peer_address& local,
                                                    tcp_link_config config = {});

}  // namespace agw::h248
