#include "agw/msrp/range_set.hpp"

#include <algorithm>

namespace agw::msrp {

bool range_set::add(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return true;
  // The intervals that the new one touches, all of which become one.
  const auto first = std::find_if(intervals_.begin(), intervals_.end(), [&](const auto& i) { return i.second >= begin; });
  const auto last = std::find_if(first, intervals_.end(), [&](const auto& i) { return i.first > end; });
  if (first == last) {
    if (intervals_.size() == max_intervals) return false;
    intervals_.insert(first, std::make_pair(begin, end));
    return true;
  }
  first->first = std::min(first->first, begin);
  first->second = std::max(std::prev(last)->second, end);
  intervals_.erase(std::next(first), last);
  return true;
}

}  // namespace agw::msrp
