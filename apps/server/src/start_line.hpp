// What the log says of a start, and what it shows at debug.
#pragma once

#include <string>
#include <vector>

#include "agw/gateway/services.hpp"
#include "agw/h248/endpoint.hpp"
#include "agw/server/options.hpp"

namespace agw::server {

/// One line with everything that matters to who asks later how the gateway was started.
void tell_start(const server_options& options, const gateway::gateway_services& services, const std::vector<std::string>& h248_ends,
                const std::string& http, std::size_t descriptors);

/// Every H.248 message goes to the log at debug, with its addresses, on one line.
void tell_messages(h248::endpoint& control);

/// Opens the log's file anew with each SIGUSR1, until cancelled.
awaitable<void> reopen_log_on_signal();

}  // namespace agw::server
