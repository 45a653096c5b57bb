// How long a channel that has failed stays for what it had received before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "agw/core/clock.hpp"

namespace agw::gateway {

/// The stage of such a channel reads up to the failure, and ends by it. Where there is no stage, or it waits (at a closed gate, for a core that does
/// not read), somebody has to say when that is enough. What is seen and `now` in, a verdict out; no I/O.
class drain_watch {
 public:
  struct view {
    std::size_t unread = 0;          ///< messages that the channel has received and no stage has taken
    std::uint64_t taken_by_core = 0; ///< octets
    bool in_hand = false;            ///< a stage has taken messages that it has not passed on
    bool at_work = false;            ///< there is a stage
    bool gated = false;              ///< what the WIC sent may not pass
  };
  enum class verdict : std::uint8_t {
    waits,
    drained,  ///< nothing of it is left
    blocked,  ///< nothing has moved for the limit; what is left is lost
  };

  explicit drain_watch(clock::duration limit) : limit_(limit) {}

  verdict look(const view& seen, clock::time_point now) noexcept;

 private:
  clock::duration limit_;
  std::optional<clock::time_point> still_since_;
  std::size_t unread_ = 0;
  std::uint64_t taken_ = 0;
};

}  // namespace agw::gateway
