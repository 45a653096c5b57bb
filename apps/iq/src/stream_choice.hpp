// Local and Remote of one stream may each hold several descriptions: which of them the gateway is asked for.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "agw/h248/profile_check.hpp"
#include "agw/iq/media_gateway.hpp"
#include "records.hpp"
#include "sdp_mapping.hpp"

namespace agw::iq {

/// What a command says of one stream's media, ready for the gateway.
struct stream_choice {
  std::vector<h248::sdp> descriptions;    ///< of Local, in the order of `locals`
  std::vector<gateway::stream_local> locals;  ///< all of one kind, descending preference
  std::optional<gateway::stream_remote> remote;
  std::optional<h248::sdp> remote_description;
  bool local_over_specified = false;      ///< it held more than one description: the choice returns
  bool remote_over_specified = false;
  bool gives_back = false;                ///< Local was empty: the stream's resources go
  bool forgets_remote = false;            ///< Remote was empty: what stands towards the remote end goes
  bool unsupportable = false;             ///< nothing of Local can be had, and a Reserve flag makes that no error
};

/// `known` is what the stream has been until now; `reserve`: ReservedValue or ReservedGroup is ON. H.248.1 7.1.7 and 7.1.8: without
/// it, the first description of Local for which one of Remote can be had is chosen; 510 when there are several and none can.
checked<stream_choice> choose(const h248::read_sessions& given, const stream_record& known, bool reserve, const interface_config& interface);
stream_kind kind_of_local(const gateway::stream_local& local);

/// Of several descriptions in `local` the one that a Remote of this protocol selects; the first when none has it.
std::string selected(const std::string& local, const h248::sdp& remote);

}  // namespace agw::iq
