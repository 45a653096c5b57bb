#include "drain_watch.hpp"

namespace agw::gateway {

drain_watch::verdict drain_watch::look(const view& seen, clock::time_point now) noexcept {
  if (seen.unread == 0 && !seen.at_work) return verdict::drained;
  if (!still_since_ || seen.unread != unread_ || seen.taken_by_core != taken_) still_since_ = now;
  unread_ = seen.unread;
  taken_ = seen.taken_by_core;
  if (now - *still_since_ < limit_) return verdict::waits;
  // A stage that waits at its gate with nothing in hand has nothing to lose.
  return seen.unread == 0 && !seen.in_hand && seen.gated ? verdict::drained : verdict::blocked;
}

}  // namespace agw::gateway
