// The file descriptors of the process: how many there may be, and whether the configured limits fit.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "agw/server/options.hpp"

namespace agw::server {

/// RLIMIT_NOFILE: what is in force, and what it can be raised to. The largest number stands for no limit.
struct descriptor_limits {
  std::size_t now = 0;
  std::size_t at_most = 0;
};
descriptor_limits descriptor_limit();

/// Raises the limit to its maximum; yields what is in force then.
std::size_t raise_descriptor_limit();

/// How many calls so many descriptors are enough for.
std::size_t calls_with(const server_options& o, std::size_t descriptors);

/// Says with figures that limits.contexts needs more than there can be; nothing when it does not.
std::optional<std::string> descriptor_remark(const server_options& o, const descriptor_limits& limits);

}  // namespace agw::server
