// Signals as orders to the layers of streams.
#pragma once

#include <optional>
#include <vector>

#include "records.hpp"

namespace agw::iq {

/// The layer that a signal is an order to, on a stream of that kind; nothing where there is none.
std::optional<gateway::layer> signal_layer(const h248::signal_request& signal, stream_kind kind);

struct layer_order {
  gateway::stream_number stream;
  gateway::layer layer = gateway::layer::ice;
};
/// The streams that a signal acts on: the one it names, or, where it is not related to a stream, every one that has its layer.
std::vector<layer_order> orders_of(const h248::signal_request& signal, const termination_record& t);

}  // namespace agw::iq
