#include <agw/h248/arena.hpp>

#include <algorithm>
#include <cstring>

namespace agw::h248 {

namespace {
// Rounded up so that what follows is aligned for anything.
constexpr std::size_t header_bytes = (sizeof(void*) + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
constexpr std::size_t block_bytes = 32 * 1024;
}  // namespace

void* arena::allocate_block(std::size_t bytes) {
  const std::size_t room = std::max(bytes, block_bytes - header_bytes);
  auto* raw = static_cast<std::byte*>(::operator new(header_bytes + room));
  full_bytes_ += static_cast<std::size_t>(next_ - begin_);
  blocks_ = ::new (raw) block{blocks_};
  begin_ = raw + header_bytes;
  next_ = begin_ + bytes;
  end_ = begin_ + room;
  return begin_;
}

std::string_view arena::keep(std::string_view text) {
  if (text.empty()) return {};
  auto* copy = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

void arena::release() noexcept {
  while (blocks_ != nullptr) {
    block* previous = blocks_->previous;
    ::operator delete(static_cast<void*>(blocks_));
    blocks_ = previous;
  }
  begin_ = next_ = first_;
  end_ = first_ + first_block_bytes;
  full_bytes_ = 0;
}

}  // namespace agw::h248
