// A stage of its own in a class of two transforms: a translator, joined to the component by the relay that all stages share.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "agw/core/relay.hpp"
#include "agw/core/translator.hpp"
#include "agw/gateway/subprotocol.hpp"

namespace agw::gateway {

/// Relays between the component's channel and `core`, its bearer, as agw::relay does, with counters and an orderly end upon request. `name` is a
/// string literal: the first word of the stage's errors, "lines:syntax".
awaitable<component_end> run_relay(component_context& c, byte_stream& core, translator& translates, std::string_view name);

/// Makes the translator of one channel, when the core's stream is up: the component then knows all that it was told of both sides.
using make_translator = std::function<std::unique_ptr<translator>(component_context&)>;

/// A stage that waits for the core's stream and relays.
subprotocol_stage relay_stage(std::string_view name, make_translator make);

/// The same for a translator that is made from the size of the largest message that the WIC takes, octets.
template <class Translator>
subprotocol_stage relay_stage(std::string_view name) {
  return relay_stage(name, [](component_context& c) { return std::make_unique<Translator>(c.channel().max_message_bytes()); });
}

}  // namespace agw::gateway
