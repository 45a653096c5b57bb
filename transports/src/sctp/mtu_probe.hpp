// The size of packets on this path: what every path carries at first, and more where a probe of that size has been answered (RFC 8899). A probe is
// a HEARTBEAT that is filled up with data which the peer has acknowledged already: any receiver knows how to pass over what comes twice. PAD chunks
// (RFC 4820) end some peers' process, and a HEARTBEAT that is as large itself is not answered by those who send smaller packets.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"

namespace agw::sctp {

/// An SCTP packet that fits every path: a UDP payload of 1 200 octets, DTLS 1.2 with AES-GCM around it.
inline constexpr std::size_t base_packet_bytes = 1163;

/// `now`, probes and answers in; sizes and deadlines out.
class mtu_probe {
 public:
  /// Packets have `base` octets (or `most`, if that is less), and are to have `most`.
  mtu_probe(std::size_t base, std::size_t most);

  /// A packet that leaves. While there is something to find out, one chunk of data is kept for probes; until there is one, none is needed.
  void sent(bytes_view packet);
  /// The peer has acknowledged all data up to that number: what is kept is fit for probes.
  void acknowledged(std::uint32_t cumulative, clock::time_point now) noexcept;
  /// What packets may have now.
  std::size_t size() const noexcept { return size_; }
  /// How large a packet is to be sent now to see whether it arrives; 0: none.
  std::size_t due(clock::time_point now) noexcept;
  /// The chunk that fills it up, as often as it takes.
  bytes_view ballast() const noexcept { return ballast_; }
  /// A probe of that size was answered. True: size() has changed.
  bool answered(std::size_t size) noexcept;
  /// What was sent since `since` is not acknowledged, though the peer answers. True: size() has changed, large packets vanish.
  bool unacknowledged(clock::time_point since, clock::time_point now) noexcept;
  deadline next_deadline() const noexcept { return next_; }
  /// Whether the network may cut packets into fragments: what was larger when the path carried it arrives so. Not while a probe is to show what the
  /// path carries, nor while packets are larger because of one.
  bool fragments() const noexcept { return !grown() && probes_ == 0; }
  bool grown() const noexcept { return size_ > base_; }

 private:
  void wait(clock::time_point now) noexcept;

  const std::size_t base_;
  const std::size_t most_;
  std::size_t size_;
  unsigned probes_ = 0;  // without an answer
  std::vector<std::byte> ballast_;
  deadline raise_{};  // the first moment for probes
  deadline next_ = no_deadline;
};

/// Cuts a packet of several chunks into packets of at most `limit` octets; a chunk that is longer goes alone.
std::vector<std::vector<std::byte>> split(bytes_view packet, std::size_t limit);

}  // namespace agw::sctp
