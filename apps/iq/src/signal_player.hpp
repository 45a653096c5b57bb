// The signals of one termination: which play, until when, and which of a list comes next. No I/O: time comes in, and what is to be started or has
// ended goes out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/lazy_deque.hpp"
#include "agw/h248/events.hpp"

namespace agw::iq {

/// A signal that plays, or is to be started.
struct playing_signal {
  std::shared_ptr<const void> keeps;  ///< what `what` points into
  const h248::signal_request* what = nullptr;
  std::optional<std::uint16_t> list;  ///< the signal list it stands in
  deadline ends = no_deadline;
};

/// Its type, which its Duration implies where it says none (H.248.1 7.1.11).
h248::signal_type type_of(const h248::signal_request& s) noexcept;

/// A value: it goes where its termination goes, with all that is still to come.
class signal_player {
 public:
  /// A Signals descriptor takes effect: what it does not repeat with KeepActive ends and is returned, what is new is to be started. A list whose
  /// number plays already goes on as it is.
  std::vector<playing_signal> replace(std::shared_ptr<const void> keeps, const h248::signals_descriptor& by);
  /// An event ends everything. Returns what was playing.
  std::vector<playing_signal> stop();

  /// What is to be started now: the caller carries it out and calls started(). Nothing when there is no such signal.
  std::optional<playing_signal> take_next(clock::time_point now);
  /// True when the signal is over by itself at once: a brief one, whose natural end that is.
  bool started(playing_signal signal, clock::time_point now);
  /// A signal whose time is over. Nothing when there is none.
  std::optional<playing_signal> take_expired(clock::time_point now);
  /// When take_next() or take_expired() will have something; no_deadline for never.
  deadline next() const noexcept;

  const std::vector<playing_signal>& playing() const noexcept { return playing_; }

 private:
  struct playing_list {
    std::shared_ptr<const void> keeps;
    const h248::signal_list* what = nullptr;
    h248::list<h248::signal_request>::const_iterator at;  ///< the signal that plays, or comes next
    deadline starts = no_deadline;                          ///< of the one at `at`; no_deadline while it plays
  };
  void advance(const playing_signal& ended, clock::time_point now);

  std::vector<playing_signal> playing_;
  lazy_deque<playing_signal> waiting_;
  std::map<std::uint16_t, playing_list> lists_;
};

}  // namespace agw::iq
