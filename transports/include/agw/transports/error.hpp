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
  // DTLS
  hash_refused = 200,    ///< a fingerprint by a hash function that agw does not take (SHA-1, MD5)
  bad_fingerprint,       ///< a fingerprint that RFC 8122 does not allow
  bad_pem,               ///< no certificate, or no unencrypted private key, in a PEM file
  key_mismatch,          ///< the private key is not that of the certificate
  weak_key,              ///< a certificate's key with less than 112 bits of security, or a signature that OpenSSL refuses
  fingerprint_mismatch,  ///< the peer's certificate is not the announced one
  no_certificate,        ///< the peer has shown no certificate
  fatal_alert,           ///< the peer sent a fatal alert
  handshake_failed,      ///< the peer does not speak DTLS 1.2 as it should
  no_answer,             ///< the last flight was repeated too often
  close_notify,          ///< the peer closed the session
  // SCTP, data channels
  bad_dcep = 300,      ///< a DCEP message that RFC 8832 does not allow
  association_aborted, ///< the peer sent ABORT
  association_closed,  ///< the peer shut the association down
  association_lost,    ///< nothing was acknowledged, however often it was sent
  association_stalled, ///< data outstanding, nothing acknowledged, and nothing sent again
  channel_busy,        ///< the stream id carries a channel already
  channel_reset,       ///< the peer, or we, closed the channel
  no_streams,          ///< the peer allows no stream with that id
  usrsctp,             ///< usrsctp refused a call
  channel_blocked,     ///< what the channel had received was not taken in time
  association_restarted, ///< the peer began the association anew
};

const boost::system::error_category& transport_category() noexcept;
inline boost::system::error_code make_error_code(transport_error e) noexcept {
  return {static_cast<int>(e), transport_category()};
}

}  // namespace agw

template <>
struct boost::system::is_error_code_enum<agw::transport_error> : std::true_type {};
