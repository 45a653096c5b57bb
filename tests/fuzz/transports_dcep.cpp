// DCEP: whatever parses is written again to something that parses to the same.
#include <cstdint>
#include <cstdlib>

#include "agw/transports/dcep.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agw::sctp;
  const auto parsed = parse_dcep(std::as_bytes(std::span(data, size)));
  if (!parsed) return 0;
  const auto* open = std::get_if<dcep_open>(&*parsed);
  if (!open) return 0;
  const auto again = parse_dcep(compose(*open));
  if (!again) std::abort();
  const auto& back = std::get<dcep_open>(*again);
  if (back.label != open->label || back.protocol != open->protocol || back.ordered != open->ordered || back.policy != open->policy ||
      back.parameter != open->parameter || back.priority != open->priority) {
    std::abort();
  }
  return 0;
}
