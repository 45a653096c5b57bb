// LocalControl properties and signals that say how a stream's packets are treated, in the gateway's words.
#pragma once

#include <optional>

#include "agw/gateway/model.hpp"
#include "agw/h248/events.hpp"
#include "agw/h248/value.hpp"
#include "sdp_mapping.hpp"

namespace agw::iq {

/// ds, gm, tman, seplink and sctpbcc/dir of one LocalControl. Properties of other packages are passed over. 449 for a value that
/// is not understood, 446 where one property needs another that is missing.
checked<gateway::stream_settings> settings_of(const h248::list<h248::property>& properties);

/// ipnapt/latch{napt=LATCH}; nothing for another signal. 449 for another word.
checked<std::optional<gateway::latching>> latching_of(const h248::signal_request& signal);

}  // namespace agw::iq
