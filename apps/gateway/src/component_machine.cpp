#include "component_machine.hpp"

#include <algorithm>
#include <utility>

namespace agw::gateway {

void component_machine::ask(component_errand what) noexcept { errand_ = std::max(errand_, what); }

void component_machine::start() noexcept {
  if (phase_ == component_phase::fresh) phase_ = component_phase::started;
}

bool component_machine::begin() noexcept {
  const bool stopped = errand_ == component_errand::stop;
  phase_ = stopped ? component_phase::ended : component_phase::held;
  return !stopped;
}

bool component_machine::open() noexcept {
  if (orders_.holds(layer::channel)) return false;
  phase_ = component_phase::opening;
  return true;
}

bool component_machine::may_begin_stage() const noexcept {
  return phase_ == component_phase::resting && errand_ == component_errand::none && next_ == next_stage::due;
}

bool component_machine::begin_stage() noexcept {
  if (!may_begin_stage()) return false;
  phase_ = component_phase::alone;
  next_ = next_stage::after_part;
  excused_ = false;
  return true;
}

void component_machine::ask_core() noexcept {
  if (phase_ == component_phase::alone) phase_ = component_phase::between;
}

void component_machine::stage_ended(std::optional<side> end) noexcept {
  if (in_stage()) phase_ = component_phase::resting;
  if (end == side::wic) next_ = next_stage::never;
}

bool component_machine::tell_end(side s) noexcept { return s != side::wic || !std::exchange(wic_end_told_, true); }

stage_ending component_machine::part(bool alone, bool asks) noexcept {
  if (phase_ == component_phase::alone && !alone) return stage_ending::none;
  if (next_ == next_stage::after_part) next_ = next_stage::due;
  ask(component_errand::part);
  return end_stage(asks);
}

stage_ending component_machine::end_stage(bool asks) noexcept {
  if (!in_stage()) return stage_ending::none;
  if (!asks) excused_ = true;
  return asks ? stage_ending::flush : stage_ending::cancel;
}

// A stage that is cut off leaves half a unit behind it. One that may not be cut off ends when the peer takes the rest, and begins anew.
parting component_machine::flushed(bool cut) noexcept {
  if (!in_stage()) return parting::done;
  if (idle() || cut) return parting::cancel;
  if (errand_ == component_errand::part) errand_ = component_errand::none;
  return parting::stays;
}

void component_machine::link_changed() noexcept {
  if (errand_ == component_errand::part) errand_ = component_errand::none;
}

stage_ending component_machine::finish(bool asks) noexcept {
  ask(component_errand::finish);
  return end_stage(asks);
}

void component_machine::renew() {
  auto orders = orders_;
  orders.take_back();
  *this = component_machine();
  orders_ = std::move(orders);
}

bool component_machine::stop() noexcept {
  ask(component_errand::stop);
  if (phase_ == component_phase::fresh) phase_ = component_phase::ended;
  return running();
}

}  // namespace agw::gateway
