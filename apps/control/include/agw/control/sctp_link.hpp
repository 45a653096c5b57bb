// H.248 over SCTP whose packets travel in UDP (RFC 6951): the same messages, streams and failures as with SCTP of the system, on
// machines and through networks that have none.
#pragma once

#include <cstddef>
#include <memory>

#include "agw/core/clock.hpp"
#include "agw/h248/link.hpp"
#include "agw/transports/sctp_messages.hpp"

namespace agw::control {

struct sctp_link_config {
  bool listen = true;                     ///< take associations
  bool dial = true;                       ///< make one where there is none to send over
  std::size_t max_associations = 256;     ///< beyond, new ones are dropped
  clock::duration setup_limit = std::chrono::seconds(10);     ///< for an association to come up
  clock::duration first_redial = std::chrono::seconds(1);     ///< after an attempt that failed; doubled up to the next
  clock::duration longest_redial = std::chrono::seconds(4);
  sctp::messages_config sctp;
};

/// Bound to the UDP address `local`; needs a sctp::stack that outlives it. A peer is an association, known by the UDP address its
/// packets come from. Fails with the system's error.
result<std::unique_ptr<h248::message_link>> open_sctp_link(loop_executor executor, const h248::peer_address& local,
                                                           const sctp_link_config& config = {});

}  // namespace agw::control
