// H.248 over the SCTP of the system's kernel (TS 29.334 5.12): one H.248 message a user message, with payload protocol identifier 7. A
// peer is an association, known as with TCP: who dials names it by where it listens, who listens by the port it came from.
#pragma once

#include <memory>

#include <agw/h248/link.hpp>
#include <agw/h248/link_connections.hpp>

namespace agw::h248 {

struct kernel_sctp_config : connection_config {
  std::size_t max_message_bytes = 65535;         // longer ones are dropped and counted, in either direction
  std::chrono::milliseconds heartbeat{5000};     // between questions on an idle path
  unsigned max_retransmissions = 4;              // without an answer the peer counts as gone
  std::chrono::milliseconds first_timeout{1000};    // until a packet is sent again, before the round trip is known
  std::chrono::milliseconds longest_timeout{4000};  // to which it doubles
};

/// Bound to `local`, for listening and as the source of associations (port 0: any free one). Fails with the system's error:
/// protocol_not_supported where the kernel has no SCTP.
result<std::unique_ptr<message_link>> open_kernel_sctp_link(loop_executor executor, const peer_address& local,
                                                            kernel_sctp_config config = {});

}  // namespace agw::h248
