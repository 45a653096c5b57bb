// The states of a bearer: how its connection comes up, ends, and is released and ordered again.
#pragma once

#include <cstdint>
#include <map>

#include "layer_orders.hpp"

namespace agw::gateway {

enum class bearer_phase : std::uint8_t {
  waiting,      ///< for Remote, or for the order of TCP
  connecting,   ///< TCP is dialled or listened for
  connected,    ///< TCP is up; TLS waits for its order
  securing,     ///< TLS shakes hands
  established,
  dead,         ///< its end was told; the stream stays for its reader
  failed,       ///< it did not come up
  releasing,    ///< by order: what stands is being closed
  recalled,     ///< an order came while it was being released
  released,     ///< by order, until the next order
};

/// What the branch does next.
enum class bearer_step : std::uint8_t {
  wait,    ///< until something changes
  dial,
  accept,
  secure,  ///< the TLS handshake
  serve,   ///< the connection is up
};

/// What the descriptions say by now.
struct bearer_facts {
  bool remote = false;  ///< Remote is known
  bool active = false;  ///< the gateway dials
  bool tls = false;
};

/// Inputs in, verdicts out; no I/O. A plain value, which moves with the bearer.
class bearer_machine {
 public:
  bearer_phase phase() const noexcept { return phase_; }
  bool established() const noexcept { return phase_ == bearer_phase::established; }
  bool released() const noexcept { return phase_ == bearer_phase::released; }
  /// Whether a bearer that comes to its place has something to do: its branch is started then.
  bool begins() const noexcept { return phase_ != bearer_phase::failed && phase_ != bearer_phase::released; }

  void set_orders(const std::map<layer, bool>& waits) { orders_.set(waits); }
  /// An order for TCP or TLS; the others are not a bearer's. True: its branch is to be started again.
  bool order(layer l);
  /// The two ends are interlinked, and the other is up: no layer waits any more. What was released by order stays so.
  void order_all() { orders_.give_all(); }

  bearer_step next(const bearer_facts& now);
  /// The step that next() named last has succeeded.
  void done() noexcept;
  /// The branch ended with an error. A connection that had come up stays as it is.
  void fail() noexcept;
  /// The connection's end was seen. Whether this is to be told: once, and only if it was established.
  bool die() noexcept;

  /// By order; orders that were given are used up.
  void release() noexcept;
  /// What stood is closed. True: its branch is to be started again, because an order came meanwhile.
  bool closed() noexcept;
  /// Remote is forgotten: the bearer begins anew with the next one.
  void forget_remote() noexcept { phase_ = bearer_phase::waiting; }
  /// The branch was ended so that the bearer can leave its thread: a connection that was coming up begins anew.
  void park() noexcept;

 private:
  bearer_phase phase_ = bearer_phase::waiting;
  layer_orders orders_;
};

}  // namespace agw::gateway
