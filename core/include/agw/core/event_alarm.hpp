// A deadline for a coroutine that waits for an event. within() makes a coroutine of what it waits for, some two kilobytes: too much for a wait
// that lasts as long as the call.
#pragma once

#include <memory>

#include "agw/core/awaitable.hpp"
#include "agw/core/clock.hpp"
#include "agw/core/event.hpp"

namespace agw {

/// Sets an event when a time has come. Whoever waits for the event looks for itself what is due: it may be woken too often, never too late. Shard-bound,
/// like the event; destroyed before it.
class event_alarm {
 public:
  event_alarm(loop_executor executor, event& rings) : timer_(std::move(executor)), state_(std::make_shared<state>(state{&rings, no_deadline})) {}
  ~event_alarm() { state_->rings = nullptr; }
  event_alarm(const event_alarm&) = delete;
  event_alarm& operator=(const event_alarm&) = delete;

  /// Another time takes the place of the one before; no_deadline: none.
  void set(deadline by) {
    if (by == state_->at) return;
    state_->at = by;
    timer_.expires_at(by);  // ends the wait that there was
    if (by == no_deadline) return;
    timer_.async_wait([state = state_, by](error_code ended) {
      if (ended || !state->rings || state->at != by) return;
      state->at = no_deadline;
      state->rings->set();
    });
  }

 private:
  struct state {
    event* rings;  // null: the alarm is gone
    deadline at;
  };
  timer timer_;
  std::shared_ptr<state> state_;
};

}  // namespace agw
