// Octets in the order in which they come, dropped from the front: what an association has under way, once more.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "agw/core/pipe.hpp"

namespace agw::sctp {

/// A queue of octets that grows by doubling. Positions count from the first octet ever pushed.
class octet_ring {
 public:
  /// Its position.
  std::uint64_t push(bytes_view octets) {
    if (octets.empty()) return end_;
    if (capacity_ - size() < octets.size()) grow(size() + octets.size());
    const auto position = end_;
    const auto at = offset(position);
    const auto before_wrap = std::min(octets.size(), capacity_ - at);
    std::memcpy(memory_.get() + at, octets.data(), before_wrap);
    std::memcpy(memory_.get(), octets.data() + before_wrap, octets.size() - before_wrap);
    end_ += octets.size();
    return position;
  }

  /// Appends `count` octets that were pushed at `position` and are not dropped yet.
  void copy(std::uint64_t position, std::size_t count, std::vector<std::byte>& to) const {
    const auto at = offset(position);
    const auto before_wrap = std::min(count, capacity_ - at);
    to.insert(to.end(), memory_.get() + at, memory_.get() + at + before_wrap);
    to.insert(to.end(), memory_.get(), memory_.get() + (count - before_wrap));
  }

  /// All octets before `position`. An empty ring keeps little memory.
  void drop_before(std::uint64_t position) {
    begin_ = std::clamp(position, begin_, end_);
    if (begin_ == end_ && capacity_ > kept_bytes) {
      memory_.reset();
      capacity_ = 0;
    }
  }
  void clear() { drop_before(end_); }

  std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }

 private:
  static constexpr std::size_t kept_bytes = 2048;

  std::size_t offset(std::uint64_t position) const noexcept { return static_cast<std::size_t>(position) & (capacity_ - 1); }

  void grow(std::size_t least) {
    const auto capacity = std::bit_ceil(std::max(least, kept_bytes));
    auto memory = std::make_unique_for_overwrite<std::byte[]>(capacity);
    for (auto at = begin_; at != end_;) {
      const auto to = static_cast<std::size_t>(at) & (capacity - 1);
      const auto from = offset(at);
      const auto count = std::min({static_cast<std::size_t>(end_ - at), capacity_ - from, capacity - to});
      std::memcpy(memory.get() + to, memory_.get() + from, count);
      at += count;
    }
    memory_ = std::move(memory);
    capacity_ = capacity;
  }

  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_ = 0;  // a power of two, or none
  std::uint64_t begin_ = 0, end_ = 0;
};

}  // namespace agw::sctp
