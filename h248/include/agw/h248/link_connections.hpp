// What the links have in common whose peers are connections: TCP, and SCTP of the system.
#pragma once

#include <cstddef>

#include <agw/core/clock.hpp>

namespace agw::h248 {

struct connection_config {
  bool listen = true;                                          // take connections at the local address
  bool dial = true;                                            // make one where there is none to send over
  std::size_t max_connections = 1024;                          // beyond, new ones are closed
  std::size_t max_connections_of_host = 64;                    // of those that it dialled, so that one host cannot take all
  clock::duration first_message_timeout = std::chrono::seconds(30);  // a connection that was taken and brings no message is closed
  std::size_t max_queue_bytes = 4u << 20;                      // of one connection whose peer does not read; beyond, messages are dropped
  clock::duration connect_timeout = std::chrono::seconds(5);
  clock::duration first_redial = std::chrono::milliseconds(500);  // rest after an attempt that failed; doubled up to the next
  clock::duration longest_redial = std::chrono::seconds(4);
};

}  // namespace agw::h248
