// Any bytes: the parser stays inside them and its limits; what it accepts comes back the same through both layouts, and as near to the
// grammar.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <agw/h248/profile_check.hpp>
#include <agw/h248/text.hpp>

using namespace agw::h248;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // An exact allocation, so that a sanitizer sees a read behind the end.
  parsed_message m = parse(std::string(reinterpret_cast<const char*>(data), size));
  if (m.memory().used_bytes() > (2u << 20)) std::abort();
  for (const auto& e : m.errors()) {
    if (e.offset > size || e.line == 0 || e.column == 0 || e.expected.empty()) std::abort();
  }
  for (const auto& d : m.deviations()) {
    if (d.offset > size || d.line == 0 || d.column == 0 || d.what.empty()) std::abort();
  }
  const message copy = *m;
  if (!m.readable()) return 0;
  to_text(copy);  // of broken ones too: nothing in them may be out of bounds
  check_profile(copy);
  if (!m.ok()) return 0;
  for (const auto style : {layout::compact, layout::pretty}) {
    const parsed_message again = parse(to_text(*m, style), parse_limits{.max_bytes = 1u << 20, .max_memory_bytes = 2u << 20});
    if (!again.ok() || !(*again == *m)) std::abort();
    for (const auto& d : again.deviations()) {
      if (std::ranges::none_of(m.deviations(), [&](const auto& before) { return before.what == d.what; })) std::abort();
    }
  }
  return 0;
}
