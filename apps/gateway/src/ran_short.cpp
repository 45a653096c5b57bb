#include "ran_short.hpp"

#include "agw/core/metrics.hpp"
#include "agw/transports/error.hpp"

namespace agw::gateway {

namespace {

const char* resource_of(const boost::system::error_code& why) {
  namespace errc = boost::system::errc;
  if (why == transport_error::no_port) return "ports";
  if (why == errc::too_many_files_open || why == errc::too_many_files_open_in_system) return "descriptors";
  if (why == errc::not_enough_memory || why == errc::no_buffer_space) return "memory";
  return "other";
}

}  // namespace

refusal ran_short(const gateway_services& services, std::string what, const boost::system::error_code& why) {
  if (services.stages.metrics) services.stages.metrics->ran_short_of(resource_of(why));
  return {refusal_reason::no_resources, std::move(what) + why.message()};
}

}  // namespace agw::gateway
