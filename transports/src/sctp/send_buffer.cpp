#include "sctp/send_buffer.hpp"

#include <algorithm>
#include <atomic>

namespace agw::sctp {

namespace {

std::atomic<std::ptrdiff_t> left{0};
std::atomic<std::ptrdiff_t> whole{0};

std::size_t take(std::size_t wanted) noexcept {
  auto there = left.load(std::memory_order_relaxed);
  for (;;) {
    const auto taken = std::min(static_cast<std::ptrdiff_t>(wanted), std::max<std::ptrdiff_t>(there, 0));
    if (left.compare_exchange_weak(there, there - taken, std::memory_order_relaxed)) return static_cast<std::size_t>(taken);
  }
}

void give_back(std::size_t bytes) noexcept { left.fetch_add(static_cast<std::ptrdiff_t>(bytes), std::memory_order_relaxed); }

}  // namespace

void set_send_memory(std::size_t bytes) noexcept {
  const auto before = whole.exchange(static_cast<std::ptrdiff_t>(bytes));
  left.fetch_add(static_cast<std::ptrdiff_t>(bytes) - before, std::memory_order_relaxed);
}

std::size_t send_memory_left() noexcept { return static_cast<std::size_t>(std::max<std::ptrdiff_t>(left.load(std::memory_order_relaxed), 0)); }

send_buffer::~send_buffer() { give_back(size_ - least_); }

bool send_buffer::fit(std::size_t window_bytes) noexcept {
  // One window is under way while the next is filled.
  const auto wanted = std::clamp(2 * window_bytes, least_, std::max(least_, most_));
  if (wanted > size_) {
    const auto more = take(wanted - size_);
    size_ += more;
    return more > 0;
  }
  if (wanted >= size_ / 4 || size_ == least_) return false;
  give_back(size_ - wanted);
  size_ = wanted;
  return true;
}

}  // namespace agw::sctp
