#include "agw/core/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>

namespace agw::log {

bool configure(std::string_view level) {
  const auto chosen = spdlog::level::from_str(std::string(level));
  if (chosen == spdlog::level::off && level != "off") return false;
  if (!spdlog::get("agw")) spdlog::set_default_logger(spdlog::stderr_logger_mt("agw"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %-5l %v");
  spdlog::set_level(chosen);
  spdlog::flush_on(spdlog::level::info);
  return true;
}

}  // namespace agw::log
