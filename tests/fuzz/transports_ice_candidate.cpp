// The value of an a=candidate line; what is usable survives being written and read again.
#include <cstdlib>

#include "agw/transports/ice_parameters.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = agw::ice::parse_candidate(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!parsed || !*parsed) return 0;
  const auto again = agw::ice::parse_candidate(agw::ice::format_candidate(**parsed));
  if (!again || !*again || (*again)->address != (*parsed)->address || (*again)->priority != (*parsed)->priority) std::abort();
  return 0;
}
