#include "termination_name.hpp"

namespace agw::iq {

std::optional<name_fields> split(h248::termination_id name) {
  name_fields out;
  if (name.is_choose() || name.is_all()) {
    out.group = out.interface = out.id = name.name;
    return out;
  }
  if (name.fields() < 2 || name.fields() > 4 || !h248::iequals(name.field(0), "ip")) return std::nullopt;
  // A wildcard in the last given field stands for the rest as well.
  out.group = name.field(1);
  out.interface = name.fields() > 2 ? name.field(2) : out.group;
  out.id = name.fields() > 3 ? name.field(3) : out.interface;
  if (name.fields() < 4) {
    const auto last = name.field(name.fields() - 1);
    if (last != "$" && last != "*") return std::nullopt;
  }
  return out;
}

std::string make_name(std::uint16_t group, std::string_view interface, std::uint32_t id) {
  return "ip/" + std::to_string(group) + "/" + std::string(interface) + "/" + std::to_string(id);
}

}  // namespace agw::iq
