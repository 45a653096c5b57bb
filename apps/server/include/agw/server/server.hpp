// The process: control loop with H.248 and HTTP, shards with contexts, and what they share. A program of one's own:
//
//   int main(int argc, char** argv) {
//     const auto parsed = agw::server::parse(argc, argv);
//     if (const auto* exit = std::get_if<agw::early_exit>(&parsed)) return agw::finish(*exit);
//     return agw::server::run(std::get<agw::server::server_options>(parsed), {add_my_stages});
//   }
#pragma once

#include <functional>
#include <vector>

#include "agw/gateway/subprotocol.hpp"
#include "agw/server/options.hpp"

namespace agw::server {

/// Adds stages under their dcmap names. agw's own, "msrp", are there before; a name that is added again is replaced.
using stage_registrar = std::function<void(gateway::subprotocol_registry&)>;

/// Runs a media gateway until SIGTERM or SIGINT: then every context is subtracted, the MGC is told by ServiceChange Forced, and
/// everything is joined. SIGHUP: the configuration that parse() read, and the certificates, are read again; see agw-server.toml. Call it before other
/// threads start: they would not hold the signals. The log is configured first. Yields the process's exit
/// code: 0, or 1 when something could not be started (logged in one line). Once in a process.
int run(const server_options& options, const std::vector<stage_registrar>& registrars = {});

}  // namespace agw::server
