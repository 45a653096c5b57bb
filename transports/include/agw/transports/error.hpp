// The errors of this folder: what a peer or the machine can cause in a transport.
#pragma once

#include <type_traits>

#include <boost/system/error_code.hpp>

namespace agw {

/// One enum for the folder; each transport has its own block of numbers. Text: error.cpp.
enum class transport_error {
  // ports, UDP, ICE
  no_port = 1,         ///< every port of the configured range is in use
  bad_candidate,       ///< an a=candidate value that RFC 8839 does not allow
  bad_credentials,     ///< ufrag or password with a length or a character that RFC 8839 does not allow
  no_remote_address,   ///< a path without ICE, and neither a remote address nor latching
  ice_library,         ///< libnice refused a call
  consent_lost,        ///< no valid check within the consent timeout (RFC 7675)
  // TCP, TLS
  certificate = 100,   ///< the peer's certificate matches neither a fingerprint nor a trusted CA
  truncated,           ///< the stream ended without TLS close_notify
};

const boost::system::error_category& transport_category() noexcept;
inline boost::system::error_code make_error_code(transport_error e) noexcept { return {static_cast<int>(e), transport_category()}; }

}  // namespace agw

template <>
struct boost::system::is_error_code_enum<agw::transport_error> : std::true_type {};
