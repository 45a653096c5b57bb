// Whose paths a relay speaks with, on either side.
#pragma once

#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "agw/msrp/chunk.hpp"

namespace agw::msrp {

/// agnostic: transport-level interworking, paths pass unchanged (RFC 6714; RFC 8873, 6). aware: a back-to-back user agent with a
/// session of its own on either side, whose paths replace the other's.
enum class relay_mode : std::uint8_t { agnostic, aware };

/// Which side of the relay: the data channel towards the browser, or the TCP or TLS stream towards the core.
enum class side : std::uint8_t { channel, stream };

/// The two a=path values negotiated on one side: URIs separated by one space, the endpoint last.
struct leg_paths {
  std::string own;   ///< what the gateway offered there
  std::string peer;  ///< what the peer offered
};

/// The mode and, for aware, the paths. In agnostic mode the paths are not read.
struct relay_paths {
  relay_mode mode = relay_mode::agnostic;
  leg_paths channel;
  leg_paths stream;

  const leg_paths& of(side s) const noexcept { return s == side::channel ? channel : stream; }
};

/// Refuses aware paths that are no lists of MSRP URIs: errc::bad_path, errc::bad_uri. To be called once, before the relay starts.
boost::system::result<void> validate(const relay_paths& paths);

/// Aware mode: whether a chunk that came in on `from` is addressed to the gateway's session there (RFC 4975, 7.3). True in
/// agnostic mode.
bool addressed_to_us(const relay_paths& paths, side from, const chunk_header& header);

/// The To-Path and From-Path that a chunk from `from` carries on the other side. Responses go to the next hop only (RFC 4975,
/// 7.2). Agnostic: those that it came with.
struct path_pair {
  std::string_view to;
  std::string_view from;
};
path_pair paths_beyond(const relay_paths& paths, side from, const chunk_header& header);

}  // namespace agw::msrp
