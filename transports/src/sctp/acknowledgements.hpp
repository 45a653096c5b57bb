// What usrsctp is given of the peer's acknowledgements. For each that reports gaps it walks through everything that is on its way; what is lost is found
// elsewhere (scoreboard.hpp), so it need not see them, and of those that came together only the last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agw/core/pipe.hpp"
#include "sctp/chunks.hpp"

namespace agw::sctp {

/// Of the packets of a batch those that are worth the work. Asked for each in turn.
class sack_thinning {
 public:
  /// `kept`: so many are, of those with reports of gaps: the third that misses a chunk lets usrsctp send it again (RFC 9260, 7.2.4).
  sack_thinning(const datagram_batch& packets, std::size_t kept);
  /// False: a later packet of the batch says the same.
  bool needed(bytes_view packet) noexcept;

 private:
  std::size_t kept_, count_ = 0, seen_ = 0;
  std::uint32_t last_ = 0;  // what the last acknowledges: the path may have brought it behind a later one
};

/// The packet with acknowledgements up to the first gap only, and room for `held` octets more, which the peer has behind that; empty when there is
/// nothing to be left out. The checksum is not kept.
std::vector<std::byte> without_gaps(bytes_view packet, std::size_t held);

}  // namespace agw::sctp
