// Which octets of a message have arrived.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace agw::msrp {

/// A set of octet positions as sorted, disjoint intervals [begin, end); at most `max_intervals` of them, so that a peer that
/// sends every other octet costs nothing.
class range_set {
 public:
  static constexpr std::size_t max_intervals = 64;

  /// False, and nothing changed, when there would be too many intervals. An empty interval changes nothing.
  bool add(std::uint64_t begin, std::uint64_t end);
  /// Whether [0, end) is complete.
  bool covers(std::uint64_t end) const noexcept { return end == 0 || (!intervals_.empty() && contiguous() >= end); }
  /// The first octet that is missing.
  std::uint64_t contiguous() const noexcept {
    return intervals_.empty() || intervals_.front().first != 0 ? 0 : intervals_.front().second;
  }
  /// One past the highest octet.
  std::uint64_t end() const noexcept { return intervals_.empty() ? 0 : intervals_.back().second; }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> intervals_;
};

}  // namespace agw::msrp
