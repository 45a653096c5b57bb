// What a configuration that is read again changes while the gateway runs.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agw/server/options.hpp"

namespace agw::server {

struct configuration_change {
  std::vector<std::string> taken;    ///< keys whose new value holds from now on
  std::vector<std::string> restart;  ///< keys whose new value needs a restart: the old one holds
  bool has(std::string_view key_or_table) const;  ///< whether it, or a key in it, was taken
};

/// Takes over into `now` what can change. What depends on it is the caller's.
configuration_change take_over(server_options& now, const server_options& next);

/// Reads the configuration of `now` again, with the same command line. Error: the line that says what is wrong.
std::variant<server_options, std::string> read_again(const server_options& now);

/// "log.level, limits.contexts"
std::string list_of(const std::vector<std::string>& keys);

}  // namespace agw::server
