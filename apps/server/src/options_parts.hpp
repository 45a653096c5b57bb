// The parts that declare() is made of.
#pragma once

#include <optional>
#include <string_view>

#include "agw/server/options.hpp"
#include "descriptors.hpp"

namespace agw::server {

/// [h248] and [h248.names].
void declare_h248(settings& s, server_options& o);

/// What no single value can break: values that contradict each other, files of keys that do not fit.
std::optional<config_error> check_together(const settings& s, const server_options& o);

/// What parse() adds to values that stood in the file one by one.
void complete(server_options& o);

/// 1 to `max_bytes` letters, digits and underscores, the first no digit: a NAME of H.248, and of an interface.
bool is_name(std::string_view text, std::size_t max_bytes);

}  // namespace agw::server
