// What is said to, or about, each of many senders now and then only: a fault that comes with every message is logged once a minute.
#pragma once

#include <cstddef>
#include <map>

#include <agw/core/clock.hpp>

namespace agw::h248 {

template <class Sender>
class occasion {
 public:
  // Of one sender no more than one in `apart`; with `most` senders within that time, none of another.
  occasion(clock::duration apart, std::size_t most) : apart_(apart), most_(most) {}

  // Whether it is time again; then it counts as done.
  bool take(const Sender& sender, clock::time_point now) {
    const auto at = last_.find(sender);
    if (at != last_.end()) {
      if (now - at->second < apart_) return false;
      at->second = now;
      return true;
    }
    if (last_.size() >= most_) {
      std::erase_if(last_, [&](const auto& one) { return now - one.second >= apart_; });
      if (last_.size() >= most_) return false;
    }
    last_.emplace(sender, now);
    return true;
  }

 private:
  clock::duration apart_;
  std::size_t most_;
  std::map<Sender, clock::time_point> last_;
};

}  // namespace agw::h248
