// What an association has received and nobody has taken yet: who holds how much of it, how large a window the peer is told, and which
// channel is closed when it does not end.
//
// SCTP has one receive window for all streams, so a channel whose messages are not taken uses up the window of its siblings. The ledger
// divides it. The association goes on reading, and holds messages in memory of the channels; the window that the peer is told is smaller
// by what is held. While little is held siblings have the rest of the window at their full rate. When the window is nearly used up, it
// grows again with time, by its own size in one hold_limit: siblings go on at that rate in the worst case (a peer that never stops sending on
// the held channel). A channel that holds more than its share, or the fullest one while the window is used up, and from which nothing is
// taken for the hold_limit, is closed. So an association holds at most twice its receive window, whatever the number of its channels;
// beyond that (a peer that disregards the window) the fullest channel is closed at once.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "agw/core/clock.hpp"

namespace agw::sctp {

class channel_state;
class hold_account;

struct hold_config {
  std::size_t window_bytes = 1 << 20;      ///< the association's receive window
  std::size_t share_bytes = 256 << 10;     ///< what one channel may hold for as long as it likes
  clock::duration limit = std::chrono::seconds(30);
};

/// Fuller accounts are behind others.
struct by_fullness {
  bool operator()(const hold_account* a, const hold_account* b) const noexcept;
};

/// Bytes and time in, windows and deadlines out. Shared by the association and its channels, which may outlive it.
class hold_ledger {
 public:
  explicit hold_ledger(const hold_config& config) : config_(config) {}
  hold_ledger(const hold_ledger&) = delete;
  hold_ledger& operator=(const hold_ledger&) = delete;

  /// The window to tell the peer, where SCTP's own buffer has room for `room` bytes.
  std::size_t window(std::size_t room, clock::time_point now);
  std::size_t held_bytes() const noexcept { return held_; }
  /// Whether the window is nearly used up by what is held: it grows with time then.
  bool tight() const noexcept { return held_ > config_.window_bytes - margin(); }
  /// More is held than any peer that minds the window can bring about: overdue() has something to say at once.
  bool beyond_all_bounds() const noexcept { return held_ > 2 * config_.window_bytes; }
  /// The account whose channel is to be closed now; null: none.
  hold_account* overdue(clock::time_point now) const;
  /// When overdue() may next have something to say.
  deadline next_deadline() const;

 private:
  friend class hold_account;

  std::size_t margin() const noexcept { return config_.window_bytes / 8; }
  hold_account* fullest() const noexcept { return accounts_.empty() ? nullptr : *accounts_.rbegin(); }
  deadline limit_of(const hold_account& account) const;
  /// f(account), for each that has a limit: the fullest first. Not more than held_bytes() / share_bytes, and one.
  template <class F>
  void each_limited(F f) const;
  void resize(hold_account& account, std::size_t bytes);
  void grow(clock::time_point now);
  void changed(clock::time_point now);

  const hold_config config_;
  std::set<hold_account*, by_fullness> accounts_;  // those that hold something
  std::size_t held_ = 0;
  std::size_t grown_ = 0;                // how far the window has grown since it is tight
  clock::time_point grown_at_{};
  std::optional<clock::time_point> tight_since_;
};

/// What one channel holds.
class hold_account {
 public:
  hold_account(std::shared_ptr<hold_ledger> ledger, channel_state& holder) : ledger_(std::move(ledger)), holder_(holder) {}
  ~hold_account() { clear(); }
  hold_account(const hold_account&) = delete;
  hold_account& operator=(const hold_account&) = delete;

  void add(std::size_t bytes);
  /// `by_reader`: the channel's user took them, which begins its hold_limit anew.
  void remove(std::size_t bytes, bool by_reader);
  void clear() { remove(bytes_, false); }
  /// What the user took is still being worked on, which begins the hold_limit anew. The window grows meanwhile.
  void in_use(clock::time_point now) noexcept { last_used_ = now; }
  std::size_t bytes() const noexcept { return bytes_; }
  channel_state& holder() const noexcept { return holder_; }

 private:
  friend class hold_ledger;

  std::shared_ptr<hold_ledger> ledger_;
  channel_state& holder_;
  std::size_t bytes_ = 0;
  clock::time_point over_since_{};   // above its share
  clock::time_point last_taken_{};
  clock::time_point last_used_{};
};

inline bool by_fullness::operator()(const hold_account* a, const hold_account* b) const noexcept {
  return a->bytes() != b->bytes() ? a->bytes() < b->bytes() : std::less<>()(a, b);
}

}  // namespace agw::sctp
