#include "agw/transports/certificate.hpp"

#include <cerrno>
#include <memory>
#include <utility>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <boost/system/system_error.hpp>

#include "agw/transports/error.hpp"
#include "dtls/openssl_ptr.hpp"

namespace agw::dtls {

namespace {

[[noreturn]] void fail(const char* what) {
  throw boost::system::system_error(make_error_code(transport_error::handshake_failed), what + (": " + take_openssl_error()));
}

void check(bool ok, const char* what) {
  if (!ok) fail(what);
}

pkey_ptr make_key() {
  pkey_ptr key(EVP_EC_gen("P-256"));
  check(key != nullptr, "P-256 key");
  return key;
}

// 159 random bits: positive and within the 20 octets of RFC 5280, 4.1.2.2.
void set_random_serial(X509& x509) {
  std::unique_ptr<BIGNUM, openssl_free<BN_free>> serial(BN_new());
  check(serial && BN_rand(serial.get(), 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
            BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(&x509)) != nullptr,
        "serial number");
}

// A passphrase is never asked for: the process has no terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

boost::system::result<bio_ptr> open(const std::string& file) {
  bio_ptr bio(BIO_new_file(file.c_str(), "r"));
  if (!bio) {
    const int reason = errno;
    ERR_clear_error();
    return boost::system::error_code(reason != 0 ? reason : ENOENT, boost::system::generic_category());
  }
  return bio;
}

}  // namespace

certificate::certificate(std::shared_ptr<X509> x509, std::shared_ptr<EVP_PKEY> key)
    : x509_(std::move(x509)), key_(std::move(key)), fingerprint_(dtls::fingerprint::of(*x509_)) {}

std::chrono::system_clock::time_point end_of_validity(const X509& of) {
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&of), &end) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&end));
}

certificate certificate::self_signed(const self_signed_config& config) {
  ERR_clear_error();
  auto key = make_key();
  x509_ptr x509(X509_new());
  check(x509 != nullptr, "certificate");
  set_random_serial(*x509);
  const auto name = X509_get_subject_name(x509.get());
  const auto text = reinterpret_cast<const unsigned char*>(config.common_name.c_str());
  const long seconds = static_cast<long>(std::chrono::seconds(config.valid_for).count());
  constexpr long day = 24L * 3600;
  check(X509_set_version(x509.get(), X509_VERSION_3) == 1 && X509_set_pubkey(x509.get(), key.get()) == 1, "certificate");
  check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1, "common name");
  check(X509_set_issuer_name(x509.get(), name) == 1, "issuer");
  check(X509_gmtime_adj(X509_getm_notBefore(x509.get()), -day) != nullptr, "notBefore");
  auto* end = X509_getm_notAfter(x509.get());
  check(X509_time_adj_ex(end, static_cast<int>(seconds / day), seconds % day, nullptr) != nullptr, "notAfter");
  check(X509_sign(x509.get(), key.get(), EVP_sha256()) > 0, "signature");
  return certificate(std::shared_ptr<X509>(std::move(x509)), std::shared_ptr<EVP_PKEY>(std::move(key)));
}

boost::system::result<certificate> certificate::load(const std::string& certificate_file, const std::string& key_file) {
  ERR_clear_error();
  auto certificate_bio = open(certificate_file);
  if (!certificate_bio) return certificate_bio.error();
  auto key_bio = open(key_file);
  if (!key_bio) return key_bio.error();
  x509_ptr x509(PEM_read_bio_X509(certificate_bio->get(), nullptr, no_passphrase, nullptr));
  pkey_ptr key(PEM_read_bio_PrivateKey(key_bio->get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!x509 || !key) return make_error_code(transport_error::bad_pem);
  const bool belongs = X509_check_private_key(x509.get(), key.get()) == 1;
  ERR_clear_error();
  if (!belongs) return make_error_code(transport_error::key_mismatch);
  if (EVP_PKEY_get_security_bits(key.get()) < 112) return make_error_code(transport_error::weak_key);
  // What OpenSSL has against a certificate beside its key, a signature of SHA-1 for one, it says to those who use it.
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> user(SSL_CTX_new(DTLS_method()), SSL_CTX_free);
  const bool usable = user && SSL_CTX_use_certificate(user.get(), x509.get()) == 1;
  ERR_clear_error();
  if (!usable) return make_error_code(transport_error::weak_key);
  return certificate(std::shared_ptr<X509>(std::move(x509)), std::shared_ptr<EVP_PKEY>(std::move(key)));
}

}  // namespace agw::dtls
