// The certificate that agw presents in DTLS handshakes: self-signed, or the operator's.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/system/result.hpp>
#include <openssl/types.h>

#include "agw/transports/fingerprint.hpp"

namespace agw::dtls {

/// Of any certificate, in UTC; the epoch for one whose date is none.
std::chrono::system_clock::time_point end_of_validity(const X509& of);

struct self_signed_config {
  /// Subject and issuer. WebRTC peers check the fingerprint only, and the name is public: nothing private belongs here.
  std::string common_name = "agw";
  /// A gateway process may live for years and peers compare the fingerprint, not the dates; so this is long.
  std::chrono::hours valid_for = std::chrono::hours(24 * 3650);
};

/// A certificate with its private key. Immutable and shared: copies are cheap, and any thread may use them at once.
class certificate {
 public:
  /// A new ECDSA P-256 key (RFC 8827, 6.5) and a certificate of its own, signed with SHA-256, with a random serial number. The
  /// start of its validity is a day back, for peers whose clock is slow. Takes about 0.1 ms. Throws system_error when OpenSSL
  /// fails.
  static certificate self_signed(const self_signed_config& config = {});

  /// Reads both from PEM files, which may be one and the same. Errors: that of the file system when a file cannot be read,
  /// transport_error::bad_pem when there is no certificate or unencrypted key in it, key_mismatch when the two do not belong
  /// together, weak_key below 112 bits of security (RSA 2048, P-224) or with a signature of SHA-1.
  static boost::system::result<certificate> load(const std::string& certificate_file, const std::string& key_file);

  X509* x509() const noexcept { return x509_.get(); }
  EVP_PKEY* key() const noexcept { return key_.get(); }
  /// The end of its validity.
  std::chrono::system_clock::time_point not_after() const { return end_of_validity(*x509_); }
  /// What goes into a=fingerprint: `fingerprint().str()`.
  const dtls::fingerprint& fingerprint() const noexcept { return fingerprint_; }

 private:
  certificate(std::shared_ptr<X509> x509, std::shared_ptr<EVP_PKEY> key);
  std::shared_ptr<X509> x509_;
  std::shared_ptr<EVP_PKEY> key_;
  dtls::fingerprint fingerprint_;
};

}  // namespace agw::dtls
