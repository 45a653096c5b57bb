#include "sctp/crc32c.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "sctp/chunks.hpp"

namespace agw::sctp {

namespace {

constexpr std::size_t checksum_offset = 8;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) ? 0x82f63b78U : 0U);  // the Castagnoli polynomial, reflected
    table[i] = value;
  }
  return table;
}

std::uint32_t by_table(const std::byte* at, std::size_t size, std::uint32_t state) noexcept {
  static constexpr auto table = make_table();
  for (; size != 0; --size, ++at) state = state >> 8 ^ table[(state ^ static_cast<std::uint32_t>(*at)) & 0xff];
  return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(const std::byte* at, std::size_t size, std::uint32_t state) noexcept {
  std::uint64_t wide = state;
  for (; size >= 8; size -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  state = static_cast<std::uint32_t>(wide);
  for (; size != 0; --size, ++at) state = __builtin_ia32_crc32qi(state, static_cast<std::uint8_t>(*at));
  return state;
}
#endif

using function = std::uint32_t (*)(const std::byte*, std::size_t, std::uint32_t) noexcept;

function choose() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return &by_instruction;
#endif
  return &by_table;
}

// The checksum of a packet is taken with its own field as zero.
std::uint32_t packet_checksum(std::span<const std::byte> packet) noexcept {
  static constexpr std::array<std::byte, 4> zero{};
  auto state = crc32c(packet.first(checksum_offset));
  state = crc32c(zero, state);
  return ~crc32c(packet.subspan(common_header_bytes), state);
}

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t state) noexcept {
  static const function fastest = choose();
  return fastest(bytes.data(), bytes.size(), state);
}

// The value is transmitted least significant octet first (RFC 9260, appendix A).
void seal_checksum(std::span<std::byte> packet) noexcept {
  if (packet.size() < common_header_bytes) return;
  const auto value = packet_checksum(packet);
  for (std::size_t i = 0; i < 4; ++i) packet[checksum_offset + i] = static_cast<std::byte>(value >> (8 * i));
}

bool checksum_holds(std::span<const std::byte> packet) noexcept {
  if (packet.size() < common_header_bytes) return false;
  const auto value = packet_checksum(packet);
  for (std::size_t i = 0; i < 4; ++i) {
    if (packet[checksum_offset + i] != static_cast<std::byte>(value >> (8 * i))) return false;
  }
  return true;
}

}  // namespace agw::sctp
