// bulk-up, bulk-down: every standing call sends as fast as its transport takes it.
#include "crew.hpp"

namespace agw::load {

awaitable<void> crew::play_bulk(step s) {
  const bool up = options().way == direction::up;
  co_await sleep_until_or_stop(s.start);
  for (const auto& one : standing_) one->send_until(up, s.end);
  co_await sleep_until_or_stop(s.end);
  if (stopped_) {
    for (const auto& one : standing_) one->send_until(up, {});
  }
}

}  // namespace agw::load
