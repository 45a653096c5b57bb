// Datagrams on a byte stream: RFC 4571, as RFC 6544 uses it for ICE.
#pragma once

#include <cstddef>
#include <vector>

#include "agw/core/pipe.hpp"

namespace agw::ice {

/// Cuts a stream into frames. Keeps at most one frame that is not complete.
class frame_reader {
 public:
  /// Far beyond a packet of DTLS or STUN.
  static constexpr std::size_t max_frame_bytes = 4096;

  /// Appends the frames that `bytes` completes to `into`; empty ones are skipped. False: a frame is longer than max_frame_bytes, and the
  /// stream is of no more use.
  bool feed(bytes_view bytes, datagram_batch& into);

 private:
  std::vector<std::byte> partial_;
};

/// Appends one frame; `datagram` has at most 65535 octets.
void append_frame(std::vector<std::byte>& to, bytes_view datagram);

}  // namespace agw::ice
