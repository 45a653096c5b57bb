// Values of the root package (H.248.1 E.2) that a controller may set on ROOT: timers and limits of the transaction layer.
#pragma once

#include <optional>
#include <string>

#include "agw/h248/error_code.hpp"
#include "agw/h248/transaction_config.hpp"
#include "agw/h248/value.hpp"

namespace agw::iq {

struct root_error {
  h248::error_code code{};
  std::string text;  // the property as it was asked for
};

/// Takes one property of a Modify on ROOT over into `into`. One number with '=' is wanted, within the bounds that the configuration has for
/// it; anything else is refused, and nothing changes. Properties of other packages are not looked at.
std::optional<root_error> set_root_value(const h248::property& p, h248::transaction_config& into);

/// The value that an audit shows: ms, or a count. Nothing for names that are none of these.
std::optional<std::uint64_t> root_value(h248::item_name name, const h248::transaction_config& of);

}  // namespace agw::iq
