// Sockets at rest: ten thousand calls to which nothing comes but an ICE check every few seconds. If each waited by itself, the wake-up of the loop and
// of a reader's coroutines would cost more than the answer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agw/core/event.hpp"

namespace agw::udp {

class resting_place;

/// The sockets at rest of one loop, which waits for all of them at once. One of a few is heard at once. From `crowd` on, after a turn in which one was
/// readable the next comes `turn_interval` later: each is heard at most that late, together with the others.
class resting_sockets final : public asio::execution_context::service {
 public:
  using key_type = resting_sockets;
  static inline asio::execution_context::id id;
  static constexpr std::size_t crowd = 64;
  static constexpr std::chrono::milliseconds turn_interval{4};

  /// Of the executor's loop.
  static resting_sockets& of(const loop_executor& executor);
  explicit resting_sockets(asio::execution_context& context) : asio::execution_context::service(context) {}
  ~resting_sockets() override;
  void shutdown() override;

  /// From now on `place` hears whenever something has come to `fd`, beginning with what is already there. Both stay until remove().
  /// False: the system has no room.
  bool add(int fd, resting_place& place) noexcept;
  void remove(int fd) noexcept;
  /// The loop is kept going while someone waits at one of the places.
  void begin_wait();
  void end_wait() noexcept;

 private:
  enum class state : std::uint8_t { off, watching, pausing };
  void prepare(const loop_executor& executor);
  void step();
  bool harvest();
  bool watch();
  void pause();

  int set_ = -1;                                           // an epoll set of their own
  std::optional<asio::posix::stream_descriptor> watched_;  // has it only while watching: else each datagram would wake the loop
  std::optional<asio::steady_timer> timer_;                // of the system's clock: it spares work and is no protocol's
  std::size_t count_ = 0;
  std::size_t waits_ = 0;
  std::size_t empty_turns_ = 0;  // in a row
  state state_ = state::off;
};

/// One socket's stay there.
class resting_place {
 public:
  /// `look`: as udp::socket::rest() has it.
  resting_place(const loop_executor& executor, std::function<bool()> look) : all_(resting_sockets::of(executor)), look_(std::move(look)) {}
  ~resting_place();
  resting_place(const resting_place&) = delete;
  resting_place& operator=(const resting_place&) = delete;

  /// Owns the descriptor from now on, until leave(). False: the system has no room, and `fd` is still the caller's.
  bool enter(int fd) noexcept;
  int leave() noexcept;
  int fd() const noexcept { return fd_; }
  /// Something has come: wakes the waiter if look() says so.
  void came();
  void wake() { readable_.set(); }
  awaitable<void> wait();

 private:
  int fd_ = -1;
  resting_sockets& all_;
  std::function<bool()> look_;
  event readable_;
};

}  // namespace agw::udp
