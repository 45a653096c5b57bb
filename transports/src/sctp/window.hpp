// The receive window that the peer is told. usrsctp announces what its own buffer has room for; an association that keeps messages for its
// channels elsewhere announces less, by writing so into the SACKs that leave (RFC 9260, 3.3.4).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "agw/core/pipe.hpp"

namespace agw::sctp {

/// Packets in, packets out; the owner says how large the window is.
class window_announcer {
 public:
  /// What usrsctp announces in `packet`; nothing when there is no SACK in it (then write() has nothing to do).
  static std::optional<std::size_t> announced(bytes_view packet);
  /// Writes `window` into the packet's SACKs, where it is less than usrsctp's, and seals the packet again.
  void write(std::span<std::byte> packet, std::size_t window);
  /// The peer has been told less than usrsctp's own room, so it may have to be told of more without new data from it.
  bool limited() const noexcept { return !sack_.empty(); }
  /// Of the last SACK: usrsctp's own room, and what the peer was told.
  std::size_t room() const noexcept { return room_; }
  /// While limited: the last SACK, as an answer to a probe that is not taken.
  std::vector<std::byte> last() const;
  /// The last SACK with a larger window, where the difference is worth a packet; else empty. The window counts as told then.
  std::vector<std::byte> update(std::size_t window);

 private:
  std::vector<std::byte> sack_;  // a packet with nothing but the last SACK
  std::size_t room_ = 0;
  std::size_t told_ = 0;
};

}  // namespace agw::sctp
