// What has to be looked at every few seconds, for ten thousand calls: one timer a loop instead of one a call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include <boost/intrusive/list_hook.hpp>

#include "agw/core/awaitable.hpp"

namespace agw {

/// While it lives, `look` is called on the loop of `executor`, where it is also made and destroyed: about a second from now, and then after as many
/// seconds as it returned, 1 to 15. To look at a call that rests costs what its cold memory costs: nothing that has moved, or is due, may wait
/// longer. Entries take their turns spread over the second, so that many of them do not hold the loop. `look` does not throw; it may destroy any
/// entry but its own.
class sweep_entry : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  sweep_entry(const loop_executor& executor, std::function<std::chrono::seconds()> look);
  ~sweep_entry();
  sweep_entry(const sweep_entry&) = delete;
  sweep_entry& operator=(const sweep_entry&) = delete;

  /// It is looked at within a second. Without effect from its own look().
  void soon();

 private:
  friend class sweep;
  std::function<std::chrono::seconds()> look_;
  class sweep& of_;
  std::uint64_t due_ = 0;  // the turn of its sweep
};

}  // namespace agw
