#include "outcome.hpp"

namespace agw::load {

std::map<std::string, std::uint64_t, std::less<>> outcome::causes() const {
  auto out = before.causes;
  for (const auto& [cause, n] : latencies.causes) out[cause] += n;
  return out;
}

std::vector<std::string> outcome::faults() const {
  std::vector<std::string> out;
  if (!interrupted.empty()) out.push_back("ended early: " + interrupted);
  if (total.calls_failed != 0) {
    std::string why;
    for (const auto& [cause, n] : causes()) why += (why.empty() ? "" : ", ") + cause + " (" + std::to_string(n) + ")";
    out.push_back(std::to_string(total.calls_failed) + " of " + std::to_string(total.calls_begun) + " calls failed: " + why);
  }
  if (total.calls_up == 0) out.push_back("no call was set up");
  // A sweep goes beyond the knee on purpose; each step says what was lost.
  if (!options.sweep) {
    const auto lost = [&out](std::string_view way, const direction_counts& c) {
      if (c.bytes_sent == c.bytes_received) return;
      out.push_back(std::string(way) + ": " + std::to_string(c.messages_sent - c.messages_received) + " messages, " +
                    std::to_string(c.bytes_sent - c.bytes_received) + " octets did not arrive");
    };
    lost("to the core", total.up);
    lost("to the WICs", total.down);
    if (total.unsent != 0) out.push_back(std::to_string(total.unsent) + " messages were never sent: too many waited before them");
  } else if (!knee) {
    out.push_back("no rate was good enough");
  }
  const auto misplaced = total.up.misplaced + total.down.misplaced;
  if (misplaced != 0) out.push_back(std::to_string(misplaced) + " messages arrived out of order or changed");
  if (h248.unreleased != 0) out.push_back(std::to_string(h248.unreleased) + " contexts could not be subtracted");
  return out;
}

}  // namespace agw::load
