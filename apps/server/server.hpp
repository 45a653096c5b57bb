// The process: control loop with H.248 and HTTP, shards with contexts, and what they share.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "options.hpp"

namespace agw::server {

/// Runs agw-server until SIGTERM or SIGINT: then every context is subtracted, the MGC is told by ServiceChange Forced, and
/// everything is joined. Yields the process's exit code: 0, or 1 when something could not be started (logged in one line).
int run(const server_options& options);

}  // namespace agw::server
