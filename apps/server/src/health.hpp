// /healthz: the process is alive. /readyz: it can take a call now.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "agw/http/server.hpp"

namespace agw::server {

struct use {
  std::size_t taken = 0;
  std::size_t most = 0;  ///< 0: without a limit
  bool room_for(std::size_t more) const noexcept { return most == 0 || taken + more <= most; }
};

/// What both are judged by.
struct health_facts {
  bool registered = false;
  bool draining = false;
  use contexts, udp_ports, tcp_ports, descriptors;
  std::vector<std::string> stuck;   ///< loops
  std::vector<std::string> absent;  ///< interfaces whose address is not of this machine, in words
};

/// Why no call can be taken, each in words; empty: one can.
std::vector<std::string> not_ready(const health_facts& now);

http::response healthz(const health_facts& now);
http::response readyz(const health_facts& now);

/// GET /healthz and GET /readyz, by what `look` sees.
void add_health(http::server& to, std::function<health_facts()> look);

}  // namespace agw::server
