// The WebSocket's JSON, as websocket.md has it: members of the client's messages checked and read, the controller's written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "call.hpp"

namespace agw::controller {

/// A member of a message that is missing or wrong, by its name.
struct bad_member {
  std::string name;
};

// All of them throw bad_member.

/// Empty where it is absent or null.
std::string text_of(const json::object& o, std::string_view name, bool needed = false);
bool flag_of(const json::object& o, std::string_view name);
std::optional<std::uint16_t> id_of(const json::object& o);
/// `call`, and names like it.
std::string name_of(const json::object& o, std::string_view member, bool needed);
/// StreamMode: sendrecv, inactive, sendonly or recvonly.
std::string mode_of(const json::object& o, bool needed);
std::vector<channel> channels_of(const json::object& message);
call_options options_of(const json::object& message);
/// A message for a call that there is: answer, modify, mode, release or audit.
call_message call_message_of(const json::object& message);

/// `h248`, without what only a call knows.
json::object to_json(const traced_message& m);
/// The members of `gateway`.
json::object to_json(const gateway_pool& gateways);

}  // namespace agw::controller
