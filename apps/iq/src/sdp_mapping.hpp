// From the SDP of Local and Remote to the gateway's model, and the gateway's answer back into the SDP.
#pragma once

#include <string>
#include <string_view>

#include "agw/gateway/model.hpp"
#include "agw/h248/error_code.hpp"
#include "agw/h248/sdp.hpp"

namespace agw::iq {

/// Why a command is refused: the error code of the reply and the text that names the offending item.
struct command_error {
  command_error() = default;
  command_error(h248::error_code c, std::string t) : code(c), text(std::move(t)) {}
  h248::error_code code = h248::error_code::internal_software_failure;
  std::string text;
};
template <class T>
using checked = boost::system::result<T, command_error>;

/// What a stream's m= line makes of it.
enum class stream_kind : std::uint8_t { association, channel, bearer };

/// By the profile: UDP/DTLS/SCTP with a transport address is an association, without one a data channel; TCP and what runs over
/// it is a bearer. 515 for anything else, 474 without an m= line.
checked<stream_kind> kind_of(const h248::sdp& description);

checked<gateway::stream_local> local_of(const h248::sdp& description);
/// `known` is the kind that Local gave the stream.
checked<gateway::stream_remote> remote_of(const h248::sdp& description, stream_kind known);

/// The description with every $ replaced by what the gateway chose.
h248::sdp filled(h248::sdp description, const gateway::stream_answer& answer);

/// An association's Local with the ICE credentials of the answer, which an ICE restart has changed.
std::string restarted(const std::string& local, const gateway::stream_answer& answer);

/// A channel's Local with the number that the next in-band OPEN has given it.
std::string with_channel(const std::string& local, std::uint16_t sid);

command_error error_of(const gateway::refusal& refused);

}  // namespace agw::iq
