// A request that is refused because something is short, which is counted.
#pragma once

#include <string>

#include <boost/system/error_code.hpp>

#include "agw/gateway/services.hpp"

namespace agw::gateway {

/// By the error: no port of the range is free, no descriptor, no memory, something else.
refusal ran_short(const gateway_services& services, std::string what, const boost::system::error_code& why);

}  // namespace agw::gateway
