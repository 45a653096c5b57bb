// The machine against an OpenSSL peer that does not keep to our rules.
#include <catch2/catch.hpp>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "../../../transports/src/dtls/bio.hpp"
#include "agw/core/metrics.hpp"
#include "agw/transports/error.hpp"
#include "dtls_pair.hpp"

using namespace agw;
using namespace agw::dtls;
using namespace std::chrono_literals;
using status = machine::status;

namespace {

/// A bare SSL object; what it shall do differently is done to `context` before connect().
class peer final : public bio_port {
 public:
  explicit peer(role as) : as_(as), context(SSL_CTX_new(DTLS_method())) {
    SSL_CTX_set_options(context.get(), SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context.get(), [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
  }
  void show(const certificate& own) {
    REQUIRE(SSL_CTX_use_certificate(context.get(), own.x509()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context.get(), own.key()) == 1);
  }

  /// Everything that the two say to each other, until neither has anything to say.
  void talk(machine& m, std::vector<std::string>* payload_of_machine = nullptr) {
    const auto now = clock::time_point(1h);
    if (!ssl) begin();
    datagram_batch from_machine, payload;
    m.start(now, from_machine);
    do {
      for (std::size_t i = 0; i < from_machine.size(); ++i) {
        incoming = std::as_const(from_machine)[i];
        step();
      }
      from_machine.clear();
      incoming = {};
      step();
      auto mine = take();
      for (std::size_t i = 0; i < mine.size(); ++i) {
        sizes.push_back(mine[i].size());
        m.receive(std::as_const(mine)[i], now, from_machine, payload);
      }
    } while (!from_machine.empty() || !out_.empty());
    if (!payload_of_machine) return;
    for (std::size_t i = 0; i < payload.size(); ++i) payload_of_machine->push_back(test::string(payload[i]));
  }

  /// What it has sent.
  datagram_batch take() {
    datagram_batch mine;
    std::swap(mine, out_);
    return mine;
  }

  bool established() const { return ssl && SSL_is_init_finished(ssl.get()) == 1; }
  void timer_changed(timeval& next) noexcept override {
    if (next.tv_sec != 0) next.tv_sec += 1000;  // never
  }

 private:
  void begin() {
    ssl.reset(SSL_new(context.get()));
    DTLS_set_link_mtu(ssl.get(), 1200);
    auto bio = make_bio(*this);
    SSL_set_bio(ssl.get(), bio.get(), bio.get());
    bio.release();
    as_ == role::active ? SSL_set_connect_state(ssl.get()) : SSL_set_accept_state(ssl.get());
    outgoing = &out_;
  }
  void step() {
    ERR_clear_error();
    char room[2000];
    const int n = SSL_is_init_finished(ssl.get()) == 1 ? SSL_read(ssl.get(), room, sizeof room) : SSL_do_handshake(ssl.get());
    if (n > 1) received.emplace_back(room, static_cast<std::size_t>(n));
  }

  role as_;
  datagram_batch out_;

 public:
  std::unique_ptr<SSL_CTX, openssl_free<SSL_CTX_free>> context;
  ssl_ptr ssl;
  std::vector<std::size_t> sizes;
  std::vector<std::string> received;
};

handshake_config ours(role as, std::vector<fingerprint> accepted) {
  return handshake_config(test::server_context(), as, std::move(accepted));
}

void require_talking(peer& p, machine& m) {
  datagram_batch out, nothing;
  REQUIRE(m.send(test::text("hello, peer"), out));
  p.incoming = std::as_const(out)[0];
  std::vector<std::string> at_machine;
  char room[100];
  const int n = SSL_read(p.ssl.get(), room, sizeof room);
  p.incoming = {};
  REQUIRE(std::string(room, static_cast<std::size_t>(std::max(n, 0))) == "hello, peer");
  REQUIRE(SSL_write(p.ssl.get(), "hello, machine", 14) == 14);
  p.talk(m, &at_machine);
  REQUIRE(at_machine == std::vector<std::string>{"hello, machine"});
}

}  // namespace

TEST_CASE("a client without a certificate is refused") {
  peer p(role::active);
  machine m(ours(role::passive, {certificate::self_signed().fingerprint()}));
  p.talk(m);
  REQUIRE(m.state() == status::ended);
  REQUIRE(m.end().reason == "certificate");
  REQUIRE(m.end().code == transport_error::no_certificate);
  REQUIRE_FALSE(p.established());
}

TEST_CASE("a ClientHello of several fragments is taken, as browsers with post-quantum key shares send it") {
  const auto own = certificate::self_signed();
  peer p(role::active);
  p.show(own);
  static const std::vector<unsigned char> share(2500, 0x5a);
  const auto add = [](SSL*, unsigned, unsigned, const unsigned char** out, std::size_t* size, X509*, std::size_t, int*, void*) {
    *out = share.data();
    *size = share.size();
    return 1;
  };
  REQUIRE(SSL_CTX_add_custom_ext(p.context.get(), 0xfe42, SSL_EXT_CLIENT_HELLO, add, nullptr, nullptr, nullptr, nullptr) == 1);
  machine m(ours(role::passive, {own.fingerprint()}));
  p.talk(m);
  REQUIRE(p.established());
  REQUIRE(m.state() == status::established);
  REQUIRE(std::count_if(p.sizes.begin(), p.sizes.begin() + 3, [](std::size_t s) { return s > 300; }) == 3);
  require_talking(p, m);
}

TEST_CASE("renegotiation is refused and harms nothing, whoever asks for it") {
  for (const auto as : {role::active, role::passive}) {
    const auto own = certificate::self_signed();
    peer p(as);
    p.show(own);
    machine m(ours(as == role::active ? role::passive : role::active, {own.fingerprint()}));
    p.talk(m);
    REQUIRE(p.established());
    REQUIRE(m.state() == status::established);
    ERR_clear_error();
    REQUIRE(SSL_renegotiate(p.ssl.get()) == 1);
    SSL_do_handshake(p.ssl.get());
    datagram_batch answer, payload;
    const auto asked = p.take();
    REQUIRE(asked.size() == 1);
    m.receive(asked[0], clock::time_point(1h), answer, payload);
    REQUIRE(m.state() == status::established);
    REQUIRE(m.next_deadline() == no_deadline);
    REQUIRE(answer.size() == 1);  // the alert no_renegotiation
    REQUIRE(std::to_integer<int>(answer[0][0]) == 21);
    REQUIRE(m.send(test::text("still here"), answer));
  }
}

TEST_CASE("a peer with another protocol version or no common cipher gets an alert, and we say protocol") {
  const auto own = certificate::self_signed();
  for (const auto as : {role::active, role::passive}) {
    const auto other = as == role::active ? role::passive : role::active;
    peer no_cipher(as);
    no_cipher.show(own);
    REQUIRE(SSL_CTX_set_cipher_list(no_cipher.context.get(), "ECDHE-ECDSA-AES128-SHA256") == 1);
    machine m(ours(other, {own.fingerprint()}));
    no_cipher.talk(m);
    REQUIRE(m.state() == status::ended);
    REQUIRE(m.end().reason == (as == role::active ? "protocol" : "alert"));
    REQUIRE_FALSE(m.end().detail.empty());
    REQUIRE_FALSE(no_cipher.established());

    peer old(as);
    old.show(own);
    SSL_CTX_set_security_level(old.context.get(), 0);
    SSL_CTX_set_min_proto_version(old.context.get(), DTLS1_VERSION);
    SSL_CTX_set_max_proto_version(old.context.get(), DTLS1_VERSION);
    machine n(ours(other, {own.fingerprint()}));
    old.talk(n);
    REQUIRE(n.state() == status::ended);
    REQUIRE_FALSE(old.established());
  }
}

TEST_CASE("each cipher leaves room for what it adds") {
  struct sample {
    const char* cipher;
    std::size_t overhead;
  };
  for (const auto& s : {sample{"ECDHE-ECDSA-AES128-GCM-SHA256", 37}, sample{"ECDHE-ECDSA-AES256-GCM-SHA384", 37},
                        sample{"ECDHE-ECDSA-CHACHA20-POLY1305", 29}}) {
    const auto own = certificate::self_signed();
    peer p(role::active);
    p.show(own);
    REQUIRE(SSL_CTX_set_cipher_list(p.context.get(), s.cipher) == 1);
    machine m(ours(role::passive, {own.fingerprint()}));
    REQUIRE(m.max_payload_bytes() == 1200 - 37);
    p.talk(m);
    REQUIRE(m.cipher() == s.cipher);
    REQUIRE(m.max_payload_bytes() == 1200 - s.overhead);
    datagram_batch out;
    const std::vector<std::byte> full(m.max_payload_bytes());
    REQUIRE(m.send(full, out));
    REQUIRE(out[0].size() == 1200);
  }
}

TEST_CASE("a peer whose key is too weak is refused even when its fingerprint is right") {
  std::shared_ptr<EVP_PKEY> key(EVP_RSA_gen(1024), EVP_PKEY_free);
  x509_ptr x509(X509_new());
  REQUIRE(X509_set_pubkey(x509.get(), key.get()) == 1);
  REQUIRE(X509_gmtime_adj(X509_getm_notBefore(x509.get()), 0) != nullptr);
  REQUIRE(X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600) != nullptr);
  REQUIRE(X509_sign(x509.get(), key.get(), EVP_sha256()) > 0);
  for (const auto as : {role::active, role::passive}) {
    peer p(as);
    SSL_CTX_set_security_level(p.context.get(), 0);
    REQUIRE(SSL_CTX_use_certificate(p.context.get(), x509.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(p.context.get(), key.get()) == 1);
    machine m(ours(as == role::active ? role::passive : role::active, {fingerprint::of(*x509)}));
    p.talk(m);
    REQUIRE(m.state() == status::ended);
    REQUIRE(m.end().reason == "certificate");
    REQUIRE(m.end().code == transport_error::weak_key);
  }
}

TEST_CASE("an RSA peer of 2048 bits is accepted in both roles, by a fingerprint of any kind") {
  const auto hash = GENERATE(hash_function::sha_224, hash_function::sha_256, hash_function::sha_384, hash_function::sha_512);
  std::shared_ptr<EVP_PKEY> key(EVP_RSA_gen(2048), EVP_PKEY_free);
  x509_ptr x509(X509_new());
  REQUIRE(X509_set_version(x509.get(), X509_VERSION_3) == 1);
  REQUIRE(X509_set_pubkey(x509.get(), key.get()) == 1);
  REQUIRE(X509_gmtime_adj(X509_getm_notBefore(x509.get()), -7200) != nullptr);
  REQUIRE(X509_gmtime_adj(X509_getm_notAfter(x509.get()), -3600) != nullptr);  // expired: only the fingerprint counts
  REQUIRE(X509_sign(x509.get(), key.get(), EVP_sha256()) > 0);
  for (const auto as : {role::active, role::passive}) {
    peer p(as);
    REQUIRE(SSL_CTX_use_certificate(p.context.get(), x509.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(p.context.get(), key.get()) == 1);
    machine m(ours(as == role::active ? role::passive : role::active, {fingerprint::of(*x509, hash)}));
    p.talk(m);
    REQUIRE(m.state() == status::established);
    require_talking(p, m);
  }
}

TEST_CASE("peers with keys of the other kinds that the policy has are accepted") {
  const std::shared_ptr<EVP_PKEY> keys[] = {
      {EVP_EC_gen("P-384"), EVP_PKEY_free}, {EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free}};
  for (const auto& key : keys) {
    x509_ptr x509(X509_new());
    REQUIRE(X509_set_version(x509.get(), X509_VERSION_3) == 1);
    REQUIRE(X509_set_pubkey(x509.get(), key.get()) == 1);
    REQUIRE(X509_gmtime_adj(X509_getm_notBefore(x509.get()), 0) != nullptr);
    REQUIRE(X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600) != nullptr);
    REQUIRE(X509_sign(x509.get(), key.get(), EVP_PKEY_is_a(key.get(), "EC") == 1 ? EVP_sha256() : nullptr) > 0);
    for (const auto as : {role::active, role::passive}) {
      // With OpenSSL's own library context such a server ends in "handshake failure" as well.
      if (as == role::passive && EVP_PKEY_is_a(key.get(), "EC") != 1) continue;
      peer p(as);
      REQUIRE(SSL_CTX_use_certificate(p.context.get(), x509.get()) == 1);
      REQUIRE(SSL_CTX_use_PrivateKey(p.context.get(), key.get()) == 1);
      machine m(ours(as == role::active ? role::passive : role::active, {fingerprint::of(*x509)}));
      p.talk(m);
      CAPTURE(EVP_PKEY_get0_type_name(key.get()), static_cast<int>(as), m.end().detail);
      REQUIRE(m.state() == status::established);
      require_talking(p, m);
    }
  }
}

TEST_CASE("a fatal alert inside an established session ends it") {
  const auto own = certificate::self_signed();
  peer p(role::active);
  p.show(own);
  machine m(ours(role::passive, {own.fingerprint()}));
  p.talk(m);
  REQUIRE(m.state() == status::established);
  // OpenSSL's client gives up when its renegotiation is refused.
  REQUIRE(SSL_renegotiate(p.ssl.get()) == 1);
  SSL_do_handshake(p.ssl.get());
  p.talk(m);
  REQUIRE(m.state() == status::ended);
  REQUIRE(m.end().reason == "alert");
  REQUIRE(m.end().detail == "handshake failure");
}
