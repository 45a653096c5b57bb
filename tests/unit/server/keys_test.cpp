#include <cstdlib>
#include <filesystem>
#include <fstream>

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
    write(certificate(), [&](FILE* file) { return PEM_write_X509(file, made.x509()); });
    write(key(), [&](FILE* file) { return PEM_write_PKCS8PrivateKey(file, made.key(), nullptr, nullptr, 0, nullptr, nullptr); });
    return made;
  }

 private:
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

}  // namespace

TEST_CASE("certificates of files are read again, and what was taken before stays") {
  pem_files files;
  server_options o;
  o.dtls_certificate = files.certificate();
  o.dtls_key = files.key();
  held h;
  keys k(o, h.dtls, h.tls);
  REQUIRE(k.load());
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

TEST_CASE("files that do not fit leave everything as it was") {
  pem_files files;
  server_options o;
  o.dtls_certificate = files.certificate();
  o.dtls_key = files.key();
  held h;
  keys k(o, h.dtls, h.tls);
  REQUIRE(k.load());
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
