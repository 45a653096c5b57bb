// What all DTLS sessions of a process share: the certificate and the rules of the handshake.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <openssl/types.h>

#include "agw/core/clock.hpp"
#include "agw/transports/certificate.hpp"
#include "agw/transports/fingerprint.hpp"

namespace agw::dtls {

/// a=setup of our side (RFC 8842): `active` sends the ClientHello, `passive` waits for it.
enum class role { active, passive };

/// DTLS 1.2 with forward secrecy and authenticated encryption only (ECDHE with AES-GCM or ChaCha20-Poly1305; X25519, P-256,
/// P-384), certificates on both sides; no resumption, tickets, renegotiation or compression. Immutable: any thread may use it
/// at once.
class context {
 public:
  /// `srtp_profiles`: the use_srtp offer (RFC 5764) in OpenSSL's notation, such as
  /// "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"; empty = the extension is neither sent nor answered. Throws system_error
  /// when OpenSSL refuses the certificate or the profiles.
  explicit context(certificate own, const std::string& srtp_profiles = {});

  /// Our certificate: its fingerprint goes into our SDP.
  const certificate& own() const noexcept { return own_; }
  SSL_CTX* native() const noexcept { return native_.get(); }

 private:
  certificate own_;
  std::shared_ptr<SSL_CTX> native_;
};

struct handshake_config {
  handshake_config() = default;
  handshake_config(std::shared_ptr<const dtls::context> c, dtls::role r, std::vector<fingerprint> peer)
      : context(std::move(c)), role(r), fingerprints(std::move(peer)) {}

  std::shared_ptr<const dtls::context> context;  ///< required
  dtls::role role = role::passive;
  /// The peer's a=fingerprint values; see matches_any(). None = no certificate is accepted.
  std::vector<fingerprint> fingerprints;
  /// The largest datagram we send, with the DTLS record around it, bytes; 256 to 16384. The default fits every path that carries
  /// IPv6 with some tunnels (RFC 8831, clause 5: 1200 when nothing is known). The lower pipe's own limit counts when it is
  /// smaller.
  std::size_t max_datagram_bytes = 1200;
  /// The first retransmission of a flight; doubles up to `slowest_retransmission`. Shorter than RFC 6347's second: the path was
  /// just verified and is a telephone user's; a spurious repetition costs a few datagrams, a lost flight would cost a second of
  /// set-up.
  clock::duration first_retransmission = std::chrono::milliseconds(200);
  clock::duration slowest_retransmission = std::chrono::seconds(3);
  /// Called by the session's receive() for each batch that contains authentic payload, and by handshake() for the one that completes it:
  /// proof that the peer itself is alive, and of where that batch came from. Must not throw. May be empty.
  std::function<void()> on_authentic;
};

}  // namespace agw::dtls
