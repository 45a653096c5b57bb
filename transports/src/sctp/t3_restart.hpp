// usrsctp 0.9.5 starts the retransmission timer (T3-rtx) with the first packet of a burst, and does not start it anew when a SACK acknowledges data
// (RFC 9260, 6.3.2, R3), unless the SACK reports gaps. So in a transfer without loss it expires again and again; each time it takes the oldest packet
// for lost if that is older than the smoothed round trip, as it is in every queue that fills, and begins with a window of one packet. That cost nine
// tenths of the throughput at 100 ms. A report of a gap that ends before it begins, which usrsctp skips, makes it go the longer way.
#pragma once

#include <cstdint>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"

namespace agw::sctp {

/// Packets of the peer's and `now` in, what usrsctp is given instead out.
class t3_restart {
 public:
  /// The packet with such a report in its SACK, when that acknowledges data behind `acknowledged` without gaps and the timer has run for a while;
  /// else empty. The checksum is not kept.
  std::vector<std::byte> rewrite(bytes_view packet, std::uint32_t acknowledged, clock::time_point now);

 private:
  clock::time_point last_{};
};

}  // namespace agw::sctp
