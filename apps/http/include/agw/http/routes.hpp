// What every program of agw serves over HTTP.
#pragma once

#include <functional>
#include <string>

#include "agw/core/metrics.hpp"
#include "agw/http/server.hpp"

namespace agw::http {

/// GET /metrics: the exposition text of `counted`, which outlives the server.
void add_metrics(server& to, const metrics& counted);

/// GET /healthz: what `describe` yields, a JSON object. A program that answers is healthy.
void add_health(server& to, std::function<std::string()> describe);

}  // namespace agw::http
