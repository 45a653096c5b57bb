// What a component has relayed: over all of its stages, and as far as the metrics know.
#pragma once

#include <functional>

#include "agw/gateway/subprotocol.hpp"

namespace agw {
class metrics;
}

namespace agw::gateway {

class component_meter {
 public:
  /// Where the counts of the stage that works are read; nothing: it has none.
  void read_with(std::function<component_counters()> read) { read_ = std::move(read); }
  /// Of the stages that ended and of the one that works.
  component_counters counted() const;
  /// The stage has ended: its counts are read a last time.
  void settle();
  /// Adds to the metrics, which may be null, what came since the last call. Whether something did.
  bool publish(agw::metrics* to);

 private:
  component_counters before_;  ///< of the stages that ended
  std::function<component_counters()> read_;
  component_counters published_;
};

}  // namespace agw::gateway
