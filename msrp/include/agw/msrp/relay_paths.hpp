// Whose paths a relay uses on either side, and which requests it refuses there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "agw/core/side.hpp"
#include "agw/msrp/chunk.hpp"
#include "agw/msrp/session_directory.hpp"
#include "agw/msrp/uri.hpp"

namespace agw::msrp {

using agw::side;

/// agnostic: transport-level interworking, paths pass unchanged (RFC 6714; RFC 8873, 6). aware: a back-to-back user agent with a
/// session of its own on either side, whose paths replace the other's.
enum class relay_mode : std::uint8_t { agnostic, aware };

/// The two a=path values negotiated on one side: URIs separated by one space, the endpoint last.
struct leg_paths {
  std::string own;       ///< what the gateway offered there
  std::string peer;      ///< what the peer offered; all of it is the To-Path of requests
  bool in_use = false;   ///< another connection has the session `own`: requests are refused with 506
};

/// The mode and, for aware, the paths. In agnostic mode nothing else is read.
struct relay_paths {
  relay_mode mode = relay_mode::agnostic;
  leg_paths wic;
  leg_paths core;
  uri_match match = uri_match::exact;             ///< how the To-Path of what comes in is compared with `own`
  const session_directory* sessions = nullptr;    ///< where the sessions of other relays are looked up; null: nowhere

  const leg_paths& of(side s) const noexcept { return s == side::wic ? wic : core; }
};

/// Refuses aware paths that are not lists of MSRP URIs: errc::bad_path, errc::bad_uri. To be called once, before the relay starts.
boost::system::result<void> validate(const relay_paths& paths);

/// The status with which an aware relay refuses a chunk that came in on `from`; 0 when it takes it, and always in agnostic mode. 481: not
/// addressed to the gateway's session there, 506: addressed to a session that another connection has, 400 and 415: refusal_status().
/// A response has a status, too, when it is not addressed to the gateway; wants_response() says that it gets no answer.
unsigned refusal_status(const relay_paths& paths, side from, const chunk_header& header);

/// The To-Path and From-Path that a chunk from `from` carries on the other side. Responses go to the next hop only (RFC 4975,
/// 7.2). Nothing in agnostic mode: the chunk keeps its own.
struct path_pair {
  std::string_view to;
  std::string_view from;
};
std::optional<path_pair> paths_beyond(const relay_paths& paths, side from, const chunk_header& header);

}  // namespace agw::msrp
