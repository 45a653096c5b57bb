// LocalControl properties that leave the gateway a choice (H.248.1 7.1.5): `$`, {a,b}, [a:b], > < #. What was chosen returns in the reply.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "agw/h248/media.hpp"
#include "agw/iq/media_gateway.hpp"
#include "sdp_mapping.hpp"

namespace agw::iq {

struct chosen_properties {
  h248::list<h248::property> all;     ///< as they hold: one value each
  h248::list<h248::property> chosen;  ///< those of them that were under- or over-specified
};

/// `at` is the termination's interface, whose realm is the only one it can have; `words` keeps the values that are made here. 449 for a
/// value that there is no choice for, 473 for the realm of another interface.
checked<chosen_properties> choose_properties(const h248::list<h248::property>& asked, const interface_config& at,
                                             const std::vector<interface_config>& interfaces, std::list<std::string>& words);

/// The interface that an Add with Interface CHOOSE is to stand on, by the realms of its streams: null when they leave it open. 449 when
/// none of the realms is known.
checked<const interface_config*> interface_of_realms(const h248::media_descriptor& media, const std::vector<interface_config>& interfaces);

}  // namespace agw::iq
