#include "upper_stage.hpp"

#include <algorithm>
#include <vector>

using namespace agw;

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return out;
}

awaitable<gateway::component_end> upper_stage(gateway::component_context& c) {
  std::vector<message> batch;
  for (;;) {
    co_await c.gate().passes(msrp::side::channel);
    batch.clear();
    const bool open = co_await c.channel().receive(batch);
    if (!open) co_return gateway::component_end::wic;
    co_await c.gate().passes(msrp::side::channel);  // it may have closed while the read waited
    for (const auto& m : batch) {
      const auto answer = upper({reinterpret_cast<const char*>(m.bytes.data()), m.bytes.size()});
      const bytes_view octets(reinterpret_cast<const std::byte*>(answer.data()), answer.size());
      co_await c.channel().send(octets, message_kind::text);
    }
  }
}

void add_upper(gateway::subprotocol_registry& registry) { registry.add("upper", upper_stage); }
