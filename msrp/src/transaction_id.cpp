#include "agw/msrp/transaction_id.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/random.h>

namespace agw::msrp {

void system_random(std::span<std::byte> out) {
  while (!out.empty()) {
    const auto got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::uint8_t id_source::octet() {
  if (left_ == 0) {
    source_(pool_);
    left_ = pool_.size();
  }
  return std::to_integer<std::uint8_t>(pool_[--left_]);
}

std::string id_source::make(std::size_t length) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  out.reserve(length);
  while (out.size() < length) {
    // 248 = 4 * 62: the rest is thrown away, so that every character is equally likely.
    if (const auto value = octet(); value < 248) out.push_back(alphabet[value % alphabet.size()]);
  }
  return out;
}

std::string id_source::make_absent_from(bytes_view body, std::size_t length) {
  for (;;) {
    if (auto id = make(length); !occurs(id, body)) return id;
  }
}

bool occurs(std::string_view id, bytes_view body) noexcept {
  return body.size() >= id.size() && memmem(body.data(), body.size(), id.data(), id.size()) != nullptr;
}

}  // namespace agw::msrp
