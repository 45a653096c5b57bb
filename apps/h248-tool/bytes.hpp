// A bounded view of bytes with big- and little-endian numbers; reading past the end gives nothing instead of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace agw::h248_tool {

class bytes {
 public:
  bytes() = default;
  explicit bytes(std::string_view all) : all_(all) {}

  std::size_t size() const noexcept { return all_.size(); }
  bool has(std::size_t n) const noexcept { return all_.size() >= n; }
  // 0 beyond the end.
  std::uint32_t u8(std::size_t at) const noexcept { return at < all_.size() ? static_cast<unsigned char>(all_[at]) : 0u; }
  std::uint32_t be16(std::size_t at) const noexcept { return u8(at) << 8 | u8(at + 1); }
  std::uint32_t be32(std::size_t at) const noexcept { return be16(at) << 16 | be16(at + 2); }
  std::uint32_t le16(std::size_t at) const noexcept { return u8(at + 1) << 8 | u8(at); }
  std::uint32_t le32(std::size_t at) const noexcept { return le16(at + 2) << 16 | le16(at); }
  std::uint32_t u16(std::size_t at, bool big) const noexcept { return big ? be16(at) : le16(at); }
  std::uint32_t u32(std::size_t at, bool big) const noexcept { return big ? be32(at) : le32(at); }
  // Cut at the end where there is less.
  bytes from(std::size_t at) const noexcept { return bytes(all_.substr(at < all_.size() ? at : all_.size())); }
  bytes first(std::size_t n) const noexcept { return bytes(all_.substr(0, n)); }
  std::string_view view() const noexcept { return all_; }

 private:
  std::string_view all_;
};

}  // namespace agw::h248_tool
