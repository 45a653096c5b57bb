// Random identifiers: transaction ids and Message-IDs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "agw/msrp/bytes.hpp"

namespace agw::msrp {

/// Where randomness comes from: fills the whole span.
using random_source = void (*)(std::span<std::byte>);
/// The kernel's generator (getrandom).
void system_random(std::span<std::byte> out);

/// Makes identifiers of letters and digits. They are unpredictable, so that nobody can prepare a body that contains one. One per
/// session: it buffers 256 octets of randomness to save system calls.
class id_source {
 public:
  explicit id_source(random_source source = &system_random) : source_(source) {}

  /// `length` letters and digits, 5.95 bits each; 12 carry the 64 bits that RFC 4975, 7.1 asks for, 14 the 80 of 14.1.
  std::string make(std::size_t length = 12);
  /// The same, and not to be found in `body`.
  std::string make_absent_from(bytes_view body, std::size_t length = 12);

 private:
  std::uint8_t octet();

  random_source source_;
  std::array<std::byte, 256> pool_;
  std::size_t left_ = 0;
};

/// True when `id` occurs in `body`.
bool occurs(std::string_view id, bytes_view body) noexcept;

}  // namespace agw::msrp
