// Where a generated test takes its choices from: a seed, or the bytes of a fuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace agw::test {

/// The same seed, or the same bytes, make the same choices on every machine.
class choices {
 public:
  explicit choices(std::uint64_t seed) : random_(seed) {}
  /// When the bytes are used up every choice is the first.
  explicit choices(std::span<const std::uint8_t> bytes) : bytes_(bytes.begin(), bytes.end()), from_bytes_(true) {}

  /// 0 to `n` - 1; 0 when there is nothing to choose from.
  std::size_t below(std::size_t n) {
    if (n < 2) return 0;
    if (!from_bytes_) return static_cast<std::size_t>(random_() % n);
    std::size_t value = take();
    if (n > 256) value = value << 8 | take();
    return value % n;
  }
  bool one_in(std::size_t n) { return below(n) == n - 1; }
  template <class T>
  const T& of(const std::vector<T>& all) {
    return all[below(all.size())];
  }
  /// For a generator beside this one, whose use takes nothing from here.
  std::uint64_t seed() {
    if (!from_bytes_) return random_();
    std::uint64_t out = 0;
    for (int i = 0; i < 4; ++i) out = out << 8 | take();
    return out;
  }
  /// Whether the bytes are used up; never with a seed.
  bool empty() const noexcept { return from_bytes_ && at_ == bytes_.size(); }

 private:
  std::uint8_t take() { return at_ < bytes_.size() ? bytes_[at_++] : std::uint8_t{0}; }

  std::mt19937_64 random_{0};
  std::vector<std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool from_bytes_ = false;
};

}  // namespace agw::test
