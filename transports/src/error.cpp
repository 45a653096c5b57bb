#include "agw/transports/error.hpp"

#include <string>

namespace agw {

namespace {

class transport_category_type final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "agw.transports"; }
  std::string message(int value) const override {
    switch (static_cast<transport_error>(value)) {
      case transport_error::no_port: return "no port of the configured range is free";
      case transport_error::bad_candidate: return "malformed candidate";
      case transport_error::bad_credentials: return "malformed ICE credentials";
      case transport_error::no_remote_address: return "the remote address is not known";
      case transport_error::ice_library: return "libnice refused";
      case transport_error::consent_lost: return "no valid check for too long";
      case transport_error::certificate: return "certificate not accepted";
      case transport_error::truncated: return "stream ended without close_notify";
      case transport_error::hash_refused: return "fingerprint by a refused hash function";
      case transport_error::bad_fingerprint: return "malformed fingerprint";
      case transport_error::bad_pem: return "no certificate or unencrypted private key in the PEM file";
      case transport_error::key_mismatch: return "the private key does not belong to the certificate";
      case transport_error::weak_key: return "certificate with too weak a key or signature";
      case transport_error::fingerprint_mismatch: return "the certificate does not have the announced fingerprint";
      case transport_error::no_certificate: return "no certificate";
      case transport_error::fatal_alert: return "fatal alert";
      case transport_error::handshake_failed: return "handshake failed";
      case transport_error::no_answer: return "no answer to the last flight";
      case transport_error::close_notify: return "closed by close_notify";
      case transport_error::bad_dcep: return "malformed DCEP message";
      case transport_error::association_aborted: return "association aborted by the peer";
      case transport_error::association_closed: return "association shut down by the peer";
      case transport_error::association_lost: return "association lost: no acknowledgement";
      case transport_error::association_stalled: return "association stalled";
      case transport_error::channel_busy: return "stream id in use";
      case transport_error::channel_reset: return "channel closed";
      case transport_error::no_streams: return "the peer allows no more streams";
      case transport_error::usrsctp: return "usrsctp refused";
      case transport_error::channel_blocked: return "received data was not taken in time";
      case transport_error::association_restarted: return "association restarted by the peer";
    }
    return "unknown error";
  }
};

}  // namespace

const boost::system::error_category& transport_category() noexcept {
  static const transport_category_type category;
  return category;
}

}  // namespace agw
