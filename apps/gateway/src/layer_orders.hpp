// Which layers of a stream wait for the controller's order, and which have it.
#pragma once

#include <map>

#include "agw/gateway/model.hpp"

namespace agw::gateway {

/// A plain value; who waits for an order does so with an event of its own, which is set with every change.
class layer_orders {
 public:
  void set(const std::map<layer, bool>& waits) {
    for (const auto& [l, yes] : waits) states_[l].waits = yes;
  }
  void give(layer l) { states_[l].ordered = true; }
  /// Those too that are told to wait later.
  void give_all() {
    for (const auto l : {layer::ice, layer::dtls, layer::sctp, layer::channel, layer::tcp, layer::tls}) give(l);
  }
  /// Orders that were given are used up.
  void take_back() {
    for (auto& entry : states_) entry.second.ordered = false;
  }
  bool holds(layer l) const {
    const auto found = states_.find(l);
    return found != states_.end() && found->second.waits && !found->second.ordered;
  }

 private:
  struct state {
    bool waits = false;
    bool ordered = false;
  };
  std::map<layer, state> states_;
};

}  // namespace agw::gateway
