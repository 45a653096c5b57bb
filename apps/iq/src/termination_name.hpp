// Names of IP terminations: ip/<group>/<interface>/<id>.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agw/h248/ids.hpp"

namespace agw::iq {

/// The fields of a name or pattern; "$" stays "$", "*" stays "*".
struct name_fields {
  std::string_view group;
  std::string_view interface;
  std::string_view id;
};

/// Nothing when it is not of the form; "$" alone is ip/$/$/$.
std::optional<name_fields> split(h248::termination_id name);
std::string make_name(std::uint16_t group, std::string_view interface, std::uint32_t id);

}  // namespace agw::iq
