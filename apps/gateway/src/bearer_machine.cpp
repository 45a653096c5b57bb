#include "bearer_machine.hpp"

namespace agw::gateway {

bool bearer_machine::order(layer l) {
  if (l != layer::tcp && l != layer::tls) return false;
  orders_.give(l);
  if (phase_ == bearer_phase::releasing) phase_ = bearer_phase::recalled;
  if (phase_ != bearer_phase::released) return false;
  phase_ = bearer_phase::waiting;
  return true;
}

bearer_step bearer_machine::next(const bearer_facts& now) {
  switch (phase_) {
    case bearer_phase::waiting:
      if (!now.remote || orders_.holds(layer::tcp)) return bearer_step::wait;
      phase_ = bearer_phase::connecting;
      return now.active ? bearer_step::dial : bearer_step::accept;
    case bearer_phase::connected:
      if (!now.tls) {
        phase_ = bearer_phase::established;
        return bearer_step::serve;
      }
      if (orders_.holds(layer::tls)) return bearer_step::wait;
      phase_ = bearer_phase::securing;
      return bearer_step::secure;
    case bearer_phase::established:
    case bearer_phase::dead: return bearer_step::serve;
    default: return bearer_step::wait;
  }
}

void bearer_machine::done() noexcept {
  if (phase_ == bearer_phase::connecting) phase_ = bearer_phase::connected;
  if (phase_ == bearer_phase::securing) phase_ = bearer_phase::established;
}

void bearer_machine::fail() noexcept {
  if (phase_ < bearer_phase::established) phase_ = bearer_phase::failed;
}

bool bearer_machine::die() noexcept {
  if (phase_ != bearer_phase::established) return false;
  phase_ = bearer_phase::dead;
  return true;
}

void bearer_machine::release() noexcept {
  orders_.take_back();
  phase_ = bearer_phase::releasing;
}

bool bearer_machine::closed() noexcept {
  const bool again = phase_ == bearer_phase::recalled;
  phase_ = again ? bearer_phase::waiting : bearer_phase::released;
  return again;
}

void bearer_machine::park() noexcept {
  if (phase_ < bearer_phase::established) phase_ = bearer_phase::waiting;
}

}  // namespace agw::gateway
