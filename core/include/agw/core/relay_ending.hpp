// When a relay of two directions is over, and how: decided without I/O.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <optional>
#include <string_view>

#include "agw/core/clock.hpp"
#include "agw/core/side.hpp"

namespace agw {

/// Is told how each direction ended and that the relay is to finish; once an end has begun() it is asked from time to time, by look(). When it
/// says over(), whatever is left is cancelled.
class relay_ending {
 public:
  /// A direction, named by the side that it comes from.
  enum class flow : std::uint8_t {
    open,
    closed,         ///< that side closed, and everything from it was passed on
    failed,         ///< the read failed, or what was read is malformed
    undeliverable,  ///< the other side takes nothing any more
  };

  /// What the relay sees when it looks.
  struct view {
    bool quiet = false;  ///< nothing moved since the last look, nothing is held, and no unit is unfinished
    bool held = false;   ///< a direction that is open holds something
    bool gated = false;  ///< a direction that is open is closed by the gate
  };

  /// `name`: the stage's, a string literal.
  relay_ending(std::string_view name, clock::duration flush) : name_(name), flush_(flush) {}

  /// `error`: what a direction that failed, or that could not deliver, has met.
  void ended(side from, flow how, std::exception_ptr error, clock::time_point now);
  void finish() noexcept { finishing_ = true; }
  void look(const view& seen, clock::time_point now);

  bool begun() const noexcept { return finishing_ || !open(side::wic) || !open(side::core); }
  bool open(side from) const noexcept { return flow_of(from) == flow::open; }
  bool over() const noexcept { return over_; }
  /// Neither side takes anything any more. Whether both have closed orderly shows when both are read to their end, for nobody: this is told by ended()
  /// again.
  bool nobody_takes() const noexcept { return nobody_takes_; }
  /// When look() is needed at the latest.
  deadline look_by() const noexcept { return by_; }

  /// When it is over: the side that closed first, if one did and nothing failed before.
  std::optional<side> closed_first() const noexcept { return closed_first_; }
  /// When it is over: what is to be thrown, or null.
  const std::exception_ptr& error() const noexcept { return error_; }

 private:
  flow flow_of(side from) const noexcept { return flows_[from == side::wic ? 0 : 1]; }
  void over(std::exception_ptr error);

  std::string_view name_;
  clock::duration flush_;
  std::array<flow, 2> flows_{flow::open, flow::open};
  std::optional<side> closed_first_;
  std::exception_ptr undelivered_;  // the first write that failed
  std::exception_ptr error_;
  deadline by_ = no_deadline;
  bool finishing_ = false;
  bool nobody_takes_ = false;
  bool over_ = false;
};

}  // namespace agw
