// How often lines of one kind may be logged: a flood of one fault neither fills a disk nor hides the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "agw/core/clock.hpp"

namespace agw {

/// Without I/O; time comes in. Not synchronised.
template <class Kind>
class log_limit {
 public:
  /// Of each kind `burst` lines (1 or more) at once, and then one in each `apart`. Beside `most` kinds that are busy, another one gets none.
  log_limit(clock::duration apart, unsigned burst, std::size_t most) : apart_(apart), burst_(burst), most_(most) {}

  /// Whether a line of this kind may be logged now, which counts as done then; yields how many of it were left out since the last one.
  std::optional<std::uint64_t> take(const Kind& kind, clock::time_point now) {
    auto found = kinds_.find(kind);
    if (found == kinds_.end()) {
      if (kinds_.size() >= most_) std::erase_if(kinds_, [now](const auto& k) { return k.second.next <= now && k.second.left_out == 0; });
      if (kinds_.size() >= most_) {
        ++left_out_;
        return std::nullopt;
      }
      found = kinds_.emplace(kind, state{now, 0}).first;
    }
    auto& k = found->second;
    const auto next = k.next < now ? now : k.next;
    if (next - now > apart_ * (burst_ - 1)) {
      ++k.left_out;
      ++left_out_;
      return std::nullopt;
    }
    k.next = next + apart_;
    return std::exchange(k.left_out, 0);
  }

  /// All lines that were left out so far.
  std::uint64_t left_out() const noexcept { return left_out_; }

 private:
  struct state {
    clock::time_point next;  ///< from when on the next line costs nothing of the burst
    std::uint64_t left_out = 0;
  };

  clock::duration apart_;
  unsigned burst_;
  std::size_t most_;
  std::uint64_t left_out_ = 0;
  std::map<Kind, state> kinds_;
};

}  // namespace agw
