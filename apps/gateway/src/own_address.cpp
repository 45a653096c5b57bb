#include "own_address.hpp"

#include <algorithm>

#include "refuse.hpp"

namespace agw::gateway {

std::optional<own_address> address_of(const interface_addresses& all, ip_family family) {
  const auto fits = [family](const ip_address& a) { return family_of(a) == family; };
  const auto bound = std::ranges::find_if(all.bound, fits);
  if (bound == all.bound.end()) return std::nullopt;
  const auto shown = std::ranges::find_if(all.advertised, fits);
  return own_address{*bound, shown == all.advertised.end() ? *bound : *shown};
}

boost::system::result<own_address, refusal> choose_address(const interface_addresses& all, const std::optional<ip_address>& named,
                                                           std::optional<ip_family> family) {
  if (all.bound.empty()) return refuse(refusal_reason::missing, "the interface has no address");
  const auto wanted = named ? family_of(*named) : family.value_or(family_of(all.bound.front()));
  const auto found = address_of(all, wanted);
  if (named && (!found || found->shown != *named)) {
    const auto other = found ? found : address_of(all, family_of(all.bound.front()));
    return refuse(refusal_reason::bad_value, "c= " + named->to_string() + ": the interface has " + other->shown.to_string());
  }
  if (!found) {
    return refuse(refusal_reason::conflict, std::string("the interface has no ") + (wanted == ip_family::ip6 ? "IPv6" : "IPv4") + " address");
  }
  return *found;
}

}  // namespace agw::gateway
