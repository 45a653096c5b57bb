// The states of a component: its channel, the stage that works on it, and what has been asked of the two.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "agw/core/flow_gate.hpp"
#include "layer_orders.hpp"

namespace agw::gateway {

enum class component_phase : std::uint8_t {
  fresh,    ///< no association has it yet
  started,  ///< its branch was spawned and has not begun
  held,     ///< the channel waits for the controller's order
  opening,  ///< the channel is being opened
  resting,  ///< the channel is open, and no stage works
  alone,    ///< a stage works that has not asked for the core end
  between,  ///< a stage works that has asked for the core end
  closing,  ///< the channel is being closed
  ended,
};

/// What was asked of it and is not done yet; a later enumerator outweighs an earlier one.
enum class component_errand : std::uint8_t {
  none,
  part,    ///< an end leaves the link: no stage begins until the link's ends have changed
  finish,  ///< the call ends: no stage begins any more
  stop,    ///< the channel is to be closed
};

/// Whether another stage is to begin.
enum class next_stage : std::uint8_t {
  due,
  after_part,  ///< the last one ended by itself, or works: another begins when an end has left the link
  never,       ///< the WIC has ended its side
};

/// How the stage that works, if any, is ended.
enum class stage_ending : std::uint8_t {
  none,    ///< there is none, or it goes on
  flush,   ///< it is asked to finish, and has time for it
  cancel,  ///< it is cancelled
};

/// How an attempt to part ends.
enum class parting : std::uint8_t { done, cancel, stays };

/// Inputs in, verdicts out; no I/O.
class component_machine {
 public:
  component_phase phase() const noexcept { return phase_; }
  component_errand errand() const noexcept { return errand_; }
  bool started() const noexcept { return phase_ != component_phase::fresh; }
  bool running() const noexcept { return phase_ >= component_phase::held && phase_ != component_phase::ended; }
  /// The channel is open.
  bool is_open() const noexcept { return phase_ == component_phase::resting || in_stage(); }
  bool in_stage() const noexcept { return phase_ == component_phase::alone || phase_ == component_phase::between; }
  /// Nothing is under way that the stage would still hand on.
  bool idle() const noexcept { return !in_stage() || excused_; }

  /// Its branch was spawned.
  void start() noexcept;
  /// The branch begins. False: it ends at once, because a stop came first.
  bool begin() noexcept;
  void set_orders(const std::map<layer, bool>& waits) { orders_.set(waits); }
  void order(layer l) { orders_.give(l); }
  /// Whether the channel is opened now; false: it waits for an order.
  bool open() noexcept;
  void opened() noexcept { phase_ = component_phase::resting; }

  bool may_begin_stage() const noexcept;
  /// The stage's own branch begins. False: there is no reason for a stage any more.
  bool begin_stage() noexcept;
  /// The stage asks for the core end.
  void ask_core() noexcept;
  /// Whether a stage that asked may have the core end: not while it is being ended.
  bool gives_core() const noexcept { return phase_ == component_phase::between && errand_ == component_errand::none; }
  void stage_ended(std::optional<side> end) noexcept;
  /// That side has ended. Whether this is to be told: the WIC's end is told once.
  bool tell_end(side s) noexcept;

  /// An end is about to leave the link. `alone`: a stage without the core end is ended, too. `asks`: the stage can be asked to finish.
  stage_ending part(bool alone, bool asks) noexcept;
  /// The stage is idle, or its time is over. `cut`: it is ended in any case.
  parting flushed(bool cut) noexcept;
  /// The ends of the link are others now.
  void link_changed() noexcept;
  /// The call ends. `asks`: as for part().
  stage_ending finish(bool asks) noexcept;
  /// True: the branch runs, and its end is to be waited for. One that has not begun ends as soon as it does.
  bool stop() noexcept;
  void close() noexcept { phase_ = component_phase::closing; }
  void end() noexcept { phase_ = component_phase::ended; }
  /// Another association follows the one whose end ended the branch: everything begins anew, and the channel waits for an order of its own.
  void renew();

 private:
  void ask(component_errand what) noexcept;
  stage_ending end_stage(bool asks) noexcept;

  component_phase phase_ = component_phase::fresh;
  component_errand errand_ = component_errand::none;
  next_stage next_ = next_stage::due;
  layer_orders orders_;
  bool excused_ = false;       ///< the stage cannot be asked to finish, so nothing is waited for
  bool wic_end_told_ = false;
};

}  // namespace agw::gateway
