#include "agw/transports/dtls_context.hpp"

#include <string_view>
#include <utility>

#include <boost/system/system_error.hpp>

#include "agw/transports/error.hpp"
#include "dtls/callbacks.hpp"
#include "dtls/library.hpp"
#include "dtls/record.hpp"
#include "dtls/openssl_ptr.hpp"

namespace agw::dtls {

namespace {

// In our order of preference; AES-128 first, which machines of today do fastest, unless the peer's own first choice is
// ChaCha20: it has no AES instructions then. TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 and P-256 are what RFC 8827, 6.5, makes
// everybody have.
constexpr const char* ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr const char* signatures =
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";

void check(bool ok, const char* what) {
  if (ok) return;
  throw boost::system::system_error(make_error_code(transport_error::handshake_failed), what + (": " + take_openssl_error()));
}

}  // namespace

context::context(certificate own, const std::string& srtp_profiles) : own_(std::move(own)) {
  ERR_clear_error();
  native_ = std::shared_ptr<SSL_CTX>(SSL_CTX_new_ex(library(), nullptr, DTLS_method()), SSL_CTX_free);
  auto* c = native_.get();
  check(c != nullptr, "DTLS");
  check(SSL_CTX_set_min_proto_version(c, DTLS1_2_VERSION) == 1, "DTLS 1.2");
  check(SSL_CTX_set_max_proto_version(c, DTLS1_2_VERSION) == 1, "DTLS 1.2");
  SSL_CTX_set_options(c, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                             SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  static constexpr std::string_view id = "agw";
  const auto* id_bytes = reinterpret_cast<const unsigned char*>(id.data());
  check(SSL_CTX_set_session_id_context(c, id_bytes, id.size()) == 1, "session id context");
  check(SSL_CTX_set_cipher_list(c, ciphers) == 1, "ciphers");
  check(SSL_CTX_set1_groups_list(c, groups) == 1, "groups");
  check(SSL_CTX_set1_sigalgs_list(c, signatures) == 1, "signature algorithms");
  check(SSL_CTX_use_certificate(c, own_.x509()) == 1, "certificate");
  check(SSL_CTX_use_PrivateKey(c, own_.key()) == 1, "private key");
  // Of chains only the peer's own certificate counts, so there is no reason to take long ones.
  SSL_CTX_set_max_cert_list(c, static_cast<long>(max_handshake_message_bytes));
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(c, verify_certificate, nullptr);
  SSL_CTX_set_info_callback(c, note_alert);
  // The one call of OpenSSL's that yields 0 for success.
  check(srtp_profiles.empty() || SSL_CTX_set_tlsext_use_srtp(c, srtp_profiles.c_str()) == 0, "use_srtp profiles");
  ERR_clear_error();
}

}  // namespace agw::dtls
