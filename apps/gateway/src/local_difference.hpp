// Whether a repeated Local for an existing stream asks for what the stream has.
#pragma once

#include "agw/gateway/model.hpp"

namespace agw::gateway {

/// The SDP line that asks for another resource than the stream has (address, port, ICE credentials); null when none does. What a
/// description leaves to the gateway never differs.
const char* resource_difference(const association_local& has, const association_answer& is, const association_local& wanted);
const char* resource_difference(const bearer_answer& is, const bearer_local& wanted);

/// The SDP line that asks for another behaviour; null when none does.
const char* difference(const association_local& has, const association_local& wanted);
const char* difference(const bearer_local& has, const bearer_local& wanted);
const char* difference(const channel_local& has, const channel_local& wanted);

}  // namespace agw::gateway
