// Latencies in buckets whose width grows with the value: any quantile to within 1.6 %, in 20 KB, without a limit to their number. No I/O.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "agw/core/clock.hpp"

namespace agw::load {

class histogram {
 public:
  /// Negative counts as 0; beyond 73 minutes as 73 minutes.
  void record(clock::duration value) noexcept;
  void add(const histogram& other) noexcept;

  std::uint64_t count() const noexcept { return count_; }
  /// 0 when nothing was recorded, as the quantiles.
  clock::duration min() const noexcept { return clock::duration(count_ == 0 ? 0 : min_); }
  clock::duration max() const noexcept { return clock::duration(max_); }
  clock::duration mean() const noexcept;
  /// The smallest value that is at least as large as that share of all, `q` from 0 to 1.
  clock::duration quantile(double q) const noexcept;
  /// How many values are below `bound`, to within a bucket.
  std::uint64_t below(clock::duration bound) const noexcept;

 private:
  static constexpr unsigned sub_bits = 6;  // 64 buckets for each power of two
  static constexpr unsigned largest_bits = 42;
  static constexpr std::size_t buckets = (largest_bits - sub_bits + 1) << sub_bits;

  static std::size_t index_of(std::uint64_t value) noexcept;
  static std::uint64_t end_of(std::size_t index) noexcept;

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace agw::load
