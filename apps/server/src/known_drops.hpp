// Every agw_drops_total{layer,cause} there is, for the exposition: an increase from nothing to one is not seen.
#pragma once

#include <span>
#include <string_view>

namespace agw::server {

struct known_drop {
  std::string_view layer;
  std::string_view cause;
};

/// A test compares it with the sources.
std::span<const known_drop> known_drops() noexcept;

}  // namespace agw::server
