#include <algorithm>
#include <functional>

#include "agw/transports/ice_agent.hpp"

namespace agw::ice {

void answer_limiter::bucket::fill(clock::time_point now, double rate, double burst) noexcept {
  const auto seconds = std::chrono::duration<double>(now - since).count();
  if (since == clock::time_point{}) tokens = burst;
  else if (seconds > 0) tokens = std::min(burst, tokens + seconds * rate);
  since = now;
}

bool answer_limiter::allow(const asio::ip::address& source, clock::time_point now) noexcept {
  socket_.fill(now, socket_rate, socket_burst);
  if (socket_.tokens < 1) return false;
  const auto hash = std::max<std::size_t>(std::hash<asio::ip::address>()(source), 1);
  const auto known = std::ranges::find(sources_, hash, &source_bucket::source);
  // A new source takes the place of the one that was quiet longest.
  auto& mine = known != sources_.end()
                   ? *known
                   : *std::ranges::min_element(sources_, {}, [](const source_bucket& b) { return b.left.since; });
  if (mine.source != hash) {
    mine.source = hash;
    mine.left = bucket();
  }
  mine.left.fill(now, source_rate, source_burst);
  if (mine.left.tokens < 1) return false;
  mine.left.tokens -= 1;
  socket_.tokens -= 1;
  return true;
}

}  // namespace agw::ice
