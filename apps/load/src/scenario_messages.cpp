// messages: at a rate, over all standing calls in turn, whatever has become of the messages before.
#include "crew.hpp"
#include "pacer.hpp"

namespace agw::load {

awaitable<void> crew::play_messages(step s) {
  if (standing_.empty()) co_return;
  pacer times(s.start, s.end, s.rate, index_, crews_);
  const auto way = options().way;
  std::uint64_t sent = 0;
  while (!stopped_) {
    const auto next = times.next();
    if (!next) break;
    co_await sleep_until_or_stop(*next);
    const auto now = clock::now();
    while (const auto intended = times.take(now)) {
      const auto place = sent % standing_.size();
      const auto round = sent / standing_.size();
      auto& one = *standing_[place];
      const bool up = way == direction::up || (way == direction::both && (place + round) % 2 == 0);
      ++sent;
      if (!one.is_up() || !one.send(up, *intended)) counted_.unsent.add();
    }
  }
  co_await sleep_until_or_stop(s.end);
}

}  // namespace agw::load
