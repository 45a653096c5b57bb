// SCTP's checksum (RFC 9260, 6.8 and appendix A): CRC32c, by the processor's instruction where there is one. usrsctp's own tables
// take as long as the whole rest of its work on a full packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace agw::sctp {

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t state = 0xffffffff) noexcept;

/// Writes the checksum into a packet's common header. Nothing when it is shorter than that.
void seal_checksum(std::span<std::byte> packet) noexcept;
/// True when the packet has a common header and its checksum is right.
bool checksum_holds(std::span<const std::byte> packet) noexcept;

}  // namespace agw::sctp
