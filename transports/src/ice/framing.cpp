#include "ice/framing.hpp"

#include <algorithm>

namespace agw::ice {

namespace {

constexpr std::size_t length_bytes = 2;

}  // namespace

bool frame_reader::feed(bytes_view bytes, datagram_batch& into) {
  while (!bytes.empty()) {
    auto wanted = length_bytes;
    if (partial_.size() >= length_bytes) {
      wanted += std::to_integer<std::size_t>(partial_[0]) << 8 | std::to_integer<std::size_t>(partial_[1]);
    }
    const auto count = std::min(wanted - partial_.size(), bytes.size());
    partial_.insert(partial_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (partial_.size() == length_bytes && wanted == length_bytes) {
      const auto length = std::to_integer<std::size_t>(partial_[0]) << 8 | std::to_integer<std::size_t>(partial_[1]);
      if (length > max_frame_bytes) return false;
      if (length == 0) partial_.clear();
    } else if (partial_.size() == wanted) {
      into.push(bytes_view(partial_).subspan(length_bytes));
      partial_.clear();
    }
  }
  return true;
}

void append_frame(std::vector<std::byte>& to, bytes_view datagram) {
  to.push_back(static_cast<std::byte>(datagram.size() >> 8 & 0xFF));
  to.push_back(static_cast<std::byte>(datagram.size() & 0xFF));
  to.insert(to.end(), datagram.begin(), datagram.end());
}

}  // namespace agw::ice
