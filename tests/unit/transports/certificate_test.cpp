#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "agw/transports/certificate.hpp"
#include "agw/transports/error.hpp"

using namespace agw;
using namespace agw::dtls;

namespace {

class directory {
 public:
  directory() {
    auto name = (std::filesystem::temp_directory_path() / "agw-certificate-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~directory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

  std::string certificate_file(const std::string& name, X509* x509) const {
    auto* f = std::fopen(file(name).c_str(), "w");
    REQUIRE(PEM_write_X509(f, x509) == 1);
    std::fclose(f);
    return file(name);
  }
  std::string key_file(const std::string& name, EVP_PKEY* key, const char* passphrase = nullptr) const {
    auto* f = std::fopen(file(name).c_str(), "w");
    const auto* cipher = passphrase ? EVP_aes_128_cbc() : nullptr;
    REQUIRE(PEM_write_PKCS8PrivateKey(f, key, cipher, nullptr, 0, nullptr, const_cast<char*>(passphrase)) == 1);
    std::fclose(f);
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

boost::system::error_code code_of(const boost::system::result<certificate>& r) {
  REQUIRE(r.has_error());
  return r.error();
}

}  // namespace

TEST_CASE("a self-signed certificate is P-256, valid now, verifies itself and is never the same twice") {
  self_signed_config config;
  config.common_name = "gateway";
  config.valid_for = std::chrono::hours(36);
  const auto a = certificate::self_signed(config);
  REQUIRE(X509_verify(a.x509(), a.key()) == 1);
  REQUIRE(X509_get_version(a.x509()) == X509_VERSION_3);
  char group[32] = {};
  std::size_t size = 0;
  REQUIRE(EVP_PKEY_get_group_name(a.key(), group, sizeof group, &size) == 1);
  REQUIRE(std::string(group) == "prime256v1");
  REQUIRE(X509_cmp_current_time(X509_get0_notBefore(a.x509())) < 0);
  REQUIRE(X509_cmp_current_time(X509_get0_notAfter(a.x509())) > 0);
  int days = 0;
  int seconds = 0;
  REQUIRE(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(a.x509()), X509_get0_notAfter(a.x509())) == 1);
  REQUIRE(days == 2);
  REQUIRE(seconds == 12 * 3600);
  char name[32] = {};
  REQUIRE(X509_NAME_get_text_by_NID(X509_get_subject_name(a.x509()), NID_commonName, name, sizeof name) == 7);
  REQUIRE(std::string(name) == "gateway");
  REQUIRE(X509_NAME_cmp(X509_get_subject_name(a.x509()), X509_get_issuer_name(a.x509())) == 0);

  const auto b = certificate::self_signed(config);
  REQUIRE(ASN1_INTEGER_cmp(X509_get0_serialNumber(a.x509()), X509_get0_serialNumber(b.x509())) != 0);
  REQUIRE_FALSE(a.fingerprint() == b.fingerprint());
  REQUIRE(a.fingerprint().hash() == hash_function::sha_256);
  REQUIRE(a.fingerprint().matches(*a.x509()));
}

TEST_CASE("a certificate that was written to PEM files is read back, from one file or two") {
  const directory dir;
  const auto made = certificate::self_signed();
  const auto cert = dir.certificate_file("cert.pem", made.x509());
  const auto key = dir.key_file("key.pem", made.key());
  const auto two = certificate::load(cert, key);
  REQUIRE(two.has_value());
  REQUIRE(two->fingerprint() == made.fingerprint());

  std::ofstream both(dir.file("both.pem"));
  both << std::ifstream(key).rdbuf() << std::ifstream(cert).rdbuf();
  both.close();
  const auto one = certificate::load(dir.file("both.pem"), dir.file("both.pem"));
  REQUIRE(one.has_value());
  REQUIRE(one->fingerprint() == made.fingerprint());
}

TEST_CASE("files that do not hold a usable pair say what is wrong with them") {
  const directory dir;
  const auto made = certificate::self_signed();
  const auto other = certificate::self_signed();
  const auto cert = dir.certificate_file("cert.pem", made.x509());
  const auto key = dir.key_file("key.pem", made.key());
  REQUIRE(code_of(certificate::load(dir.file("none.pem"), key)) == boost::system::errc::no_such_file_or_directory);
  REQUIRE(code_of(certificate::load(cert, dir.file("none.pem"))) == boost::system::errc::no_such_file_or_directory);
  REQUIRE(code_of(certificate::load(key, key)) == transport_error::bad_pem);
  REQUIRE(code_of(certificate::load(cert, cert)) == transport_error::bad_pem);
  REQUIRE(code_of(certificate::load(cert, dir.key_file("locked.pem", made.key(), "secret"))) == transport_error::bad_pem);
  REQUIRE(code_of(certificate::load(cert, dir.key_file("other.pem", other.key()))) == transport_error::key_mismatch);
  REQUIRE(code_of(certificate::load(dir.certificate_file("o.pem", other.x509()), key)) == transport_error::key_mismatch);
  std::ofstream(dir.file("noise.pem")) << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  REQUIRE(code_of(certificate::load(dir.file("noise.pem"), key)) == transport_error::bad_pem);
}

TEST_CASE("a key below 112 bits of security is not loaded") {
  const directory dir;
  auto* key = EVP_RSA_gen(1024);
  auto* x509 = X509_new();
  REQUIRE(X509_set_pubkey(x509, key) == 1);
  REQUIRE(X509_gmtime_adj(X509_getm_notBefore(x509), 0) != nullptr);
  REQUIRE(X509_gmtime_adj(X509_getm_notAfter(x509), 3600) != nullptr);
  REQUIRE(X509_sign(x509, key, EVP_sha256()) > 0);
  const auto loaded = certificate::load(dir.certificate_file("weak.pem", x509), dir.key_file("weak.key", key));
  X509_free(x509);
  EVP_PKEY_free(key);
  REQUIRE(code_of(loaded) == transport_error::weak_key);
}
