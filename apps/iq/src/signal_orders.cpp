#include "signal_orders.hpp"

#include "agw/h248/ascii.hpp"

namespace agw::iq {

namespace {

std::optional<gateway::layer> layer_of(h248::item_name signal, bool access) {
  if (h248::iequals(signal.package, "tcpbcc")) return gateway::layer::tcp;
  if (h248::iequals(signal.package, "tlsbsc")) return access ? gateway::layer::dtls : gateway::layer::tls;
  if (h248::iequals(signal.package, "sctpbcc")) return gateway::layer::sctp;
  if (h248::iequals(signal.package, "sctpreset")) return gateway::layer::channel;
  if (h248::iequals(signal.package, "ostuncc")) return gateway::layer::ice;
  return std::nullopt;
}

}  // namespace

std::optional<gateway::layer> signal_layer(const h248::signal_request& signal, stream_kind kind) {
  const bool latches = signal.name.is("ipnapt/latch");
  switch (kind) {
    case stream_kind::association: {
      if (latches) return gateway::layer::ice;
      const auto l = layer_of(signal.name, true);
      return l && *l != gateway::layer::tcp && *l != gateway::layer::channel ? l : std::nullopt;
    }
    case stream_kind::channel: return signal.name.is("sctpreset/reset") ? std::optional(gateway::layer::channel) : std::nullopt;
    case stream_kind::bearer: {
      if (latches) return gateway::layer::tcp;
      const auto l = layer_of(signal.name, false);
      return l == gateway::layer::tcp || l == gateway::layer::tls ? l : std::nullopt;
    }
  }
  return std::nullopt;
}

std::vector<layer_order> orders_of(const h248::signal_request& signal, const termination_record& t) {
  std::vector<layer_order> out;
  const auto named = signal.stream ? signal.stream->value : std::uint16_t{0};
  for (const auto& [n, record] : t.streams) {
    if (named != 0 && n != named) continue;
    if (const auto l = signal_layer(signal, record.kind)) {
      auto& one = out.emplace_back();
      one.stream = gateway::stream_number{n};
      one.layer = *l;
    }
  }
  return out;
}

}  // namespace agw::iq
