#include "agw/core/relay_ending.hpp"

#include <string>
#include <utility>

#include "agw/core/error.hpp"

namespace agw {

namespace {

// What a side sent before it closed is lost: the other one did not take it in time.
std::exception_ptr too_slow(std::string_view stage, side from, const std::exception_ptr& undelivered) {
  std::string text = "in the flush time ";
  text.append(name_of(other(from))).append(" did not take what ").append(name_of(from)).append(" had sent; ");
  text.append(name_of(from)).append(": ").append(describe(undelivered));
  return std::make_exception_ptr(stage_error(stage, "timeout", make_error_code(core_error::timed_out), std::move(text)));
}

}  // namespace

void relay_ending::over(std::exception_ptr error) {
  over_ = true;
  if (!closed_first_) error_ = std::move(error);
}

void relay_ending::ended(side from, flow how, std::exception_ptr error, clock::time_point now) {
  if (over_) return;
  flows_[from == side::wic ? 0 : 1] = how;
  switch (how) {
    case flow::open: return;
    case flow::closed:
      if (!closed_first_) closed_first_ = from;
      break;
    case flow::failed:
      if (nobody_takes_) closed_first_.reset();
      return over(std::move(error));
    case flow::undeliverable:
      if (!undelivered_) undelivered_ = std::move(error);
      break;
  }
  if (nobody_takes_) {  // both have closed orderly, or one is still to be read
    if (flow_of(other(from)) == flow::closed) over(nullptr);
    return;
  }
  nobody_takes_ = how == flow::undeliverable && flow_of(other(from)) == flow::undeliverable;
  if (!open(other(from)) && !nobody_takes_) return over(undelivered_);
  by_ = now > no_deadline - flush_ ? no_deadline : now + flush_;
}

void relay_ending::look(const view& seen, clock::time_point now) {
  if (over_ || !begun()) return;
  if (!undelivered_) {
    // Either both directions are open and the relay is to finish, or one side has closed and the other may have more.
    if (seen.quiet || now >= by_) over(nullptr);
    return;
  }
  if (nobody_takes_) {
    if (now >= by_) {
      closed_first_.reset();
      over(undelivered_);
    }
    return;
  }
  // One direction is left: from the side that takes nothing any more.
  const auto from = open(side::wic) ? side::wic : side::core;
  // Behind a closed gate its orderly end cannot be seen.
  if (finishing_ && seen.quiet) return over(seen.gated ? nullptr : undelivered_);
  if (seen.gated) by_ = now + flush_;
  if (now >= by_) over(seen.held ? too_slow(name_, from, undelivered_) : undelivered_);
}

}  // namespace agw
