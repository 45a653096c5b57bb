// H.248 over TCP with TPKT (H.248.1 D.2). A peer is a connection: what came over it is answered over it. The side that dials
// reaches a peer under the address it listens at, the other one under the port that the connection came from.
#pragma once

#include <cstddef>
#include <memory>

#include <agw/core/clock.hpp>
#include <agw/h248/link.hpp>

namespace agw::h248 {

struct tcp_link_config {
  bool listen = true;                                          // take connections at the local address
  bool dial = true;                                            // make one where there is none to send over
  std::size_t max_connections = 1024;                          // beyond, new ones are closed
  std::size_t max_queue_bytes = 4u << 20;                      // of one connection whose peer does not read; beyond, messages are dropped
  clock::duration connect_timeout = std::chrono::seconds(5);
  clock::duration first_redial = std::chrono::milliseconds(500);  // rest after an attempt that failed; doubled up to the next
  clock::duration longest_redial = std::chrono::seconds(4);
  clock::duration frame_timeout = std::chrono::seconds(10);    // for the rest of a message that has begun; then the connection is closed
};

/// Bound to `local`, for listening and as the source of connections (port 0: any free one). Fails with the system's error.
result<std::unique_ptr<message_link>> open_tcp_link(asio::any_io_executor executor, const peer_address& local,
                                                    tcp_link_config config = {});

}  // namespace agw::h248
