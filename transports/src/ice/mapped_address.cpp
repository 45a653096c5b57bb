#include "ice/mapped_address.hpp"

#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include <boost/crc.hpp>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stun/constants.h>
#include <stun/stunmessage.h>

namespace agw::ice {

namespace {

constexpr std::size_t header_bytes = 20, transaction_at = 8, cookie_at = 4;
constexpr std::size_t integrity_bytes = 20;
constexpr std::uint32_t fingerprint_mask = 0x5354554E;

std::size_t read16(bytes_view b, std::size_t at) noexcept {
  return std::to_integer<std::size_t>(b[at]) << 8 | std::to_integer<std::size_t>(b[at + 1]);
}

void write16(std::span<std::byte> b, std::size_t at, std::size_t value) noexcept {
  b[at] = static_cast<std::byte>(value >> 8 & 0xFF);
  b[at + 1] = static_cast<std::byte>(value & 0xFF);
}

bool whole(bytes_view d) noexcept { return d.size() >= header_bytes && read16(d, 2) + header_bytes == d.size(); }

// Where the first attribute of that type begins.
std::optional<std::size_t> find(bytes_view d, std::size_t type, std::size_t length) noexcept {
  for (auto at = header_bytes; at + 4 <= d.size();) {
    const auto its_length = read16(d, at + 2);
    const auto end = at + 4 + ((its_length + 3) & ~std::size_t{3});
    if (end > d.size()) return std::nullopt;
    if (read16(d, at) == type) return its_length == length ? std::optional(at) : std::nullopt;
    at = end;
  }
  return std::nullopt;
}

// Of the message up to `at`, whose header counts the attribute that begins there (RFC 8489, 14.5).
std::array<std::byte, integrity_bytes> integrity_of(bytes_view message, std::size_t at, std::string_view password) {
  std::vector<std::byte> covered(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(at));
  write16(covered, 2, at + 4 + integrity_bytes - header_bytes);
  std::array<std::byte, integrity_bytes> out{};
  unsigned size = 0;
  HMAC(EVP_sha1(), password.data(), static_cast<int>(password.size()), reinterpret_cast<const unsigned char*>(covered.data()), covered.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

}  // namespace

bool is_binding_success(bytes_view d) noexcept { return whole(d) && read16(d, 0) == 0x0101; }

bool is_nominating(bytes_view d) noexcept {
  return whole(d) && read16(d, 0) == 0x0001 && find(d, STUN_ATTRIBUTE_USE_CANDIDATE, 0).has_value();
}

bytes_view transaction_of(bytes_view message) noexcept { return message.subspan(transaction_at, header_bytes - transaction_at); }

bool readdress(std::span<std::byte> d, const udp::endpoint& mapped, std::string_view password) {
  if (!is_binding_success(d)) return false;
  const auto& ip = mapped.address();
  const std::size_t address_bytes = ip.is_v6() ? 16 : 4;
  const auto address = find(d, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, 4 + address_bytes);
  const auto integrity = find(d, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, integrity_bytes);
  const auto fingerprint = find(d, STUN_ATTRIBUTE_FINGERPRINT, 4);
  if (!address || !integrity || *address > *integrity) return false;
  const auto before = integrity_of(d, *integrity, password);
  if (CRYPTO_memcmp(before.data(), d.data() + *integrity + 4, integrity_bytes) != 0) return false;

  write16(d, *address + 6, mapped.port() ^ read16(d, cookie_at));
  std::array<unsigned char, 16> octets{};
  if (ip.is_v6()) octets = ip.to_v6().to_bytes();
  else std::memcpy(octets.data(), ip.to_v4().to_bytes().data(), address_bytes);
  for (std::size_t i = 0; i < address_bytes; ++i) d[*address + 8 + i] = std::byte{octets[i]} ^ d[cookie_at + i];

  const auto after = integrity_of(d, *integrity, password);
  std::memcpy(d.data() + *integrity + 4, after.data(), integrity_bytes);
  if (fingerprint) {
    boost::crc_32_type crc;
    crc.process_bytes(d.data(), *fingerprint);
    const auto value = crc.checksum() ^ fingerprint_mask;
    write16(d, *fingerprint + 4, value >> 16);
    write16(d, *fingerprint + 6, value & 0xFFFF);
  }
  return true;
}

}  // namespace agw::ice
