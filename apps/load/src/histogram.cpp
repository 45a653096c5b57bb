#include "histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace agw::load {

std::size_t histogram::index_of(std::uint64_t value) noexcept {
  if (value < (1u << sub_bits)) return value;
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - sub_bits - 1;
  return ((shift + 1ull) << sub_bits) + ((value >> shift) - (1ull << sub_bits));
}

// The smallest value behind the bucket.
std::uint64_t histogram::end_of(std::size_t index) noexcept {
  if (index < (1u << sub_bits)) return index + 1;
  const auto shift = (index >> sub_bits) - 1;
  return ((index & ((1u << sub_bits) - 1)) + (1ull << sub_bits) + 1) << shift;
}

void histogram::record(clock::duration value) noexcept {
  const auto v = std::clamp<std::int64_t>(value.count(), 0, (std::int64_t{1} << largest_bits) - 1);
  ++counts_[index_of(static_cast<std::uint64_t>(v))];
  min_ = count_ == 0 ? v : std::min(min_, v);
  max_ = std::max(max_, v);
  sum_ += static_cast<double>(v);
  ++count_;
}

void histogram::add(const histogram& other) noexcept {
  if (other.count_ == 0) return;
  for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
  count_ += other.count_;
}

clock::duration histogram::mean() const noexcept {
  return clock::duration(count_ == 0 ? 0 : static_cast<std::int64_t>(sum_ / static_cast<double>(count_)));
}

clock::duration histogram::quantile(double q) const noexcept {
  if (count_ == 0) return {};
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    seen += counts_[i];
    if (seen >= wanted) return clock::duration(std::clamp(static_cast<std::int64_t>(end_of(i)) - 1, min_, max_));
  }
  return clock::duration(max_);
}

std::uint64_t histogram::below(clock::duration bound) const noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < buckets && end_of(i) <= static_cast<std::uint64_t>(std::max<std::int64_t>(bound.count(), 0)); ++i) out += counts_[i];
  return out;
}

}  // namespace agw::load
