#include "options.hpp"

#include <algorithm>

#include "agw/control/addresses.hpp"
#include "agw/version.hpp"

namespace agw::controller {

std::optional<early_exit> parse(controller_options& out, int argc, const char* const* argv) {
  settings all("agw-controller", std::string(version), "a small eP-CSCF for agw-server, with the demo page and an IMS peer");
  all.add("h248.listen", out.h248, kind::list(control::listen_address(), 1, 4),
          "where the gateway registers, over UDP; tcp:ADDR:PORT for TCP, sctp:ADDR:PORT for the kernel's SCTP, sctp+udp:ADDR:PORT for SCTP in UDP; once for each")
      .option("--h248", "ADDR:PORT");
  all.add("h248.audit_interval", out.audit_interval, kind::duration(std::chrono::seconds(0), std::chrono::hours(24)),
          "a gateway that was silent for so long is asked (AuditValue of ROOT) whether it is there; 0s: never")
      .option("--audit-interval", "TIME");
  all.add("http.listen", out.http, kind::listen_address(), "the page and its WebSocket").option("--http", "ADDR:PORT");
  all.add("msrp.address", out.msrp, kind::address(), "the IMS peer's address towards the gateway").option("--msrp", "ADDR");
  std::vector<std::pair<std::string, std::string>> levels;
  for (const auto* level : {"trace", "debug", "info", "warn", "error", "off"}) levels.emplace_back(level, level);
  all.add("log.level", out.log_level, kind::choice(std::move(levels)), "how much is logged").option("--log-level", "LEVEL");
  all.rule([&]() -> std::optional<config_error> {
    std::vector<h248::transport> used;
    for (const auto& at : out.h248) {
      if (std::ranges::find(used, at.via) != used.end()) return all.wrong({"h248.listen"}, "one address for each transport");
      used.push_back(at.via);
    }
    return std::nullopt;
  });
  return all.parse(argc, argv);
}

}  // namespace agw::controller
