// Which peers a link leaves alone for a while, since dialling them failed.
#pragma once

#include <algorithm>
#include <map>

#include <agw/core/clock.hpp>
#include <agw/h248/link_address.hpp>

namespace agw::h248 {

/// After a failure a peer rests for `first`, after each further one twice as long, up to `longest`. Its memory is bounded by time:
/// forget_old() takes away what has not failed for `longest` after its rest.
class peer_rest {
 public:
  peer_rest(clock::duration first, clock::duration longest) : first_(first), longest_(longest) {}

  bool rests(const peer_address& peer, clock::time_point now) const {
    const auto at = resting_.find(peer);
    return at != resting_.end() && at->second.until > now;
  }
  void failed(const peer_address& peer, clock::time_point now) {
    auto& r = resting_[peer];
    r.length = r.length == clock::duration() ? first_ : std::min(2 * r.length, longest_);
    r.until = now + r.length;
  }
  void reached(const peer_address& peer) { resting_.erase(peer); }
  void forget_old(clock::time_point now) {
    std::erase_if(resting_, [&](const auto& entry) { return entry.second.until + longest_ < now; });
  }
  std::size_t size() const noexcept { return resting_.size(); }

 private:
  struct rest {
    clock::time_point until{};
    clock::duration length{};
  };
  clock::duration first_;
  clock::duration longest_;
  std::map<peer_address, rest> resting_;
};

}  // namespace agw::h248
