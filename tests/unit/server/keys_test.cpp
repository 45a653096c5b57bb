#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <catch2/catch.hpp>
#include <openssl/pem.h>

#include "keys.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace agw::server;

namespace {

class pem_files {
 public:
  pem_files() {
    REQUIRE(mkdtemp(name_));
    renew();
  }
  ~pem_files() { std::filesystem::remove_all(name_); }
  pem_files(const pem_files&) = delete;
  pem_files& operator=(const pem_files&) = delete;

  std::string certificate() const { return std::string(name_) + "/certificate.pem"; }
  std::string key() const { return std::string(name_) + "/key.pem"; }
  dtls::certificate renew() {
    const auto made = dtls::certificate::self_signed();
    take(made.x509(), made.key());
    return made;
  }
  /// A pair that fits, with a signature of SHA-1 by somebody else: OpenSSL refuses it only when it is to be used.
  void sign_weakly() {
    const auto other = dtls::certificate::self_signed(), own = dtls::certificate::self_signed();
    const std::unique_ptr<X509, decltype(&X509_free)> leaf(X509_dup(own.x509()), X509_free);
    REQUIRE(X509_set_issuer_name(leaf.get(), X509_get_subject_name(other.x509())) == 1);
    X509_NAME* const name = X509_NAME_dup(X509_get_subject_name(leaf.get()));
    REQUIRE(X509_NAME_add_entry_by_txt(name, "OU", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("leaf"), -1, -1, 0) == 1);
    REQUIRE(X509_set_subject_name(leaf.get(), name) == 1);
    X509_NAME_free(name);
    REQUIRE(X509_sign(leaf.get(), other.key(), EVP_sha1()) > 0);
    take(leaf.get(), own.key());
  }

 private:
  void take(X509* certificate_of, EVP_PKEY* key_of) {
    write(certificate(), [&](FILE* file) { return PEM_write_X509(file, certificate_of); });
    write(key(), [&](FILE* file) { return PEM_write_PKCS8PrivateKey(file, key_of, nullptr, nullptr, 0, nullptr, nullptr); });
  }

  template <class F>
  static void write(const std::string& path, F f) {
    FILE* const file = std::fopen(path.c_str(), "w");
    REQUIRE(file);
    CHECK(f(file) == 1);
    std::fclose(file);
  }
  char name_[32] = "/tmp/agw-keys-XXXXXX";
};

struct held {
  replaceable<const dtls::context> dtls;
  replaceable<tls::context> tls;
  std::string fingerprint() const { return dtls.current()->own().fingerprint().str(); }
};

/// Keys that were loaded from files.
struct of_files {
  of_files() {
    options.dtls_certificate = files.certificate();
    options.dtls_key = files.key();
    REQUIRE(k.load());
  }
  pem_files files;
  server_options options;
  held h;
  keys k{options, h.dtls, h.tls};
};

}  // namespace

TEST_CASE("certificates of files are read again, and what was taken before stays") {
  of_files f;
  auto& [files, options, h, k] = f;
  const auto living = h.dtls.current();
  const auto living_tls = h.tls.current();
  const auto renewed = files.renew();
  REQUIRE(k.reload());
  CHECK(h.fingerprint() == renewed.fingerprint().str());
  CHECK(living->own().fingerprint().str() != h.fingerprint());
  // TLS has no certificate of its own here: it presents that of [dtls].
  CHECK(h.tls.current()->own_fingerprint() == renewed.fingerprint());
  CHECK(living_tls->own_fingerprint() == living->own().fingerprint());
}

TEST_CASE("a certificate that OpenSSL refuses to use leaves everything as it was, too") {
  of_files f;
  auto& [files, options, h, k] = f;
  const auto before = h.fingerprint();
  files.sign_weakly();
  CHECK_FALSE(k.reload());
  CHECK(h.fingerprint() == before);
}

TEST_CASE("files that do not fit leave everything as it was") {
  of_files f;
  auto& [files, options, h, k] = f;
  const auto before = h.fingerprint();
  std::ofstream(files.certificate()) << "nothing";
  CHECK_FALSE(k.reload());
  CHECK(h.fingerprint() == before);
}

TEST_CASE("a certificate of the gateway's own making outlives a reload") {
  server_options o;
  held h;
  keys k(o, h.dtls, h.tls);
  REQUIRE(k.load());
  const auto before = h.fingerprint();
  REQUIRE(k.reload());
  CHECK(h.fingerprint() == before);
  REQUIRE(k.load());
  CHECK(h.fingerprint() != before);
}

TEST_CASE("a certificate of the gateway's own making is replaced when its lifetime is over, again and again") {
  using namespace std::chrono_literals;
  server_options o;
  o.dtls_certificate_lifetime = 1h;
  held h;
  keys k(o, h.dtls, h.tls);
  REQUIRE(k.load());
  asio::io_context context(1);
  test::manual_clock time(context);
  asio::cancellation_signal cancel;
  bool ended = false;
  asio::co_spawn(context, k.renew(), asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ended = true; }));
  time.settle();
  for (int i = 0; i < 2; ++i) {
    const auto before = h.fingerprint();
    time.advance(59min);
    CHECK(h.fingerprint() == before);
    time.advance(2min);
    CHECK(h.fingerprint() != before);
  }
  CHECK_FALSE(ended);
  cancel.emit(asio::cancellation_type::terminal);
  time.settle();
  CHECK(ended);
}
