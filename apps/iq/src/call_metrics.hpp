// What is counted of calls and of requests that are refused.
#pragma once

#include <string_view>

#include "agw/core/metrics.hpp"

namespace agw::iq {

counter& calls_started(metrics& m);
counter& calls_ended(metrics& m, std::string_view cause);
gauge& one_way_calls(metrics& m);
gauge& orphaned_contexts(metrics& m);
counter& orphans_ended(metrics& m);

}  // namespace agw::iq
