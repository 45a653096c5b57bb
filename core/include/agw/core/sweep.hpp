// What has to be looked at once a second, for ten thousand calls: one timer a loop instead of one a call.
#pragma once

#include <functional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/intrusive/list_hook.hpp>

#include "agw/core/awaitable.hpp"

namespace agw {

/// While it lives, `look` is called about once a second, on the loop of `executor`, where it is also made and destroyed. Entries take their turns
/// spread over the second, so that many of them do not hold the loop. `look` does not throw; it may destroy any entry but its own.
class sweep_entry : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  sweep_entry(const asio::any_io_executor& executor, std::function<void()> look);
  ~sweep_entry();
  sweep_entry(const sweep_entry&) = delete;
  sweep_entry& operator=(const sweep_entry&) = delete;

 private:
  friend class sweep;
  std::function<void()> look_;
  class sweep& of_;
};

}  // namespace agw
