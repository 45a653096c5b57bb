#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "agw/core/error.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/tls_stream.hpp"
#include "interrupted_read.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

const asio::ip::address loopback = asio::ip::address_v4::loopback();
const tls::peer_check unchecked;

std::string pem_of(const std::function<int(BIO*)>& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  REQUIRE(write(bio) == 1);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

// A certificate for `name`, signed by `issuer` or by itself.
struct identity {
  explicit identity(const char* name, const identity* issuer = nullptr, bool authority = false)
      : key(EVP_EC_gen("P-256"), &EVP_PKEY_free), x509(X509_new(), &X509_free) {
    static long serial = 1;
    X509_set_version(x509.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
    const auto* common_name = reinterpret_cast<const unsigned char*>(name);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509.get()), "CN", MBSTRING_ASC, common_name, -1, -1, 0);
    X509_set_issuer_name(x509.get(), X509_get_subject_name(issuer != nullptr ? issuer->x509.get() : x509.get()));
    X509_set_pubkey(x509.get(), key.get());
    add(NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
    add(NID_subject_alt_name, (std::string("DNS:") + name).c_str());
    REQUIRE(X509_sign(x509.get(), issuer != nullptr ? issuer->key.get() : key.get(), EVP_sha256()) > 0);
  }
  void add(int id, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  std::string certificate() const {
    return pem_of([this](BIO* b) { return PEM_write_bio_X509(b, x509.get()); });
  }
  std::string private_key() const {
    return pem_of([this](BIO* b) { return PEM_write_bio_PrivateKey(b, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  dtls::fingerprint print(dtls::hash_function hash = dtls::hash_function::sha_256) const { return dtls::fingerprint::of(*x509, hash); }
  std::shared_ptr<tls::context> context(const std::string& trusted = {}) const {
    auto made = tls::context::make_from_pem(certificate(), private_key(), trusted);
    REQUIRE(made.has_value());
    return *made;
  }
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key;
  std::unique_ptr<X509, void (*)(X509*)> x509;
};

struct pair {
  std::unique_ptr<tcp::stream> dialled;
  std::unique_ptr<tcp::stream> accepted;
};

awaitable<pair> make_pair() {
  auto executor = co_await asio::this_coro::executor;
  port_pool ports(0, 0);
  auto listener = *tcp::listener::open(executor, loopback, ports);
  pair p;
  p.dialled = co_await tcp::connect(listener->local(), loopback);
  p.accepted = co_await listener->accept(std::nullopt);
  co_return p;
}

awaitable<std::string> attempt(std::unique_ptr<tcp::stream> s, std::shared_ptr<tls::context> context, tls::role as,
                               tls::peer_check check, std::unique_ptr<byte_stream>& out) {
  try {
    out = co_await tls::handshake(std::move(s), std::move(context), as, std::move(check));
    std::array<std::byte, 1> one{};
    if (as == tls::role::client) {
      // In TLS 1.3 the client learns only by reading what the server thinks of its certificate.
      const bytes_view piece(one);
      co_await out->write(std::span(&piece, 1));
      co_await out->read_some(one);
    } else {
      co_await out->read_some(one);
      const bytes_view piece(one);
      co_await out->write(std::span(&piece, 1));
    }
  } catch (const stage_error& e) {
    out.reset();
    co_return e.cause();
  }
  co_return std::string("fine");
}

struct outcome {
  std::string client;
  std::string server;
};

struct side {
  std::shared_ptr<tls::context> context;
  tls::peer_check checks;
  std::unique_ptr<byte_stream> stream{};  // when the handshake went well
};

awaitable<outcome> connect(side& client, side& server) {
  outcome o;
  auto p = co_await make_pair();
  task_group tasks(co_await asio::this_coro::executor, "handshake");
  tasks.spawn("client", [&]() -> awaitable<void> {
    o.client = co_await attempt(std::move(p.dialled), client.context, tls::role::client, client.checks, client.stream);
  });
  tasks.spawn("server", [&]() -> awaitable<void> {
    o.server = co_await attempt(std::move(p.accepted), server.context, tls::role::server, server.checks, server.stream);
  });
  co_await until(deadline_after(20s), tasks.join());
  co_return o;
}

outcome handshake(std::shared_ptr<tls::context> client, const tls::peer_check& client_checks,
                  std::shared_ptr<tls::context> server, const tls::peer_check& server_checks) {
  outcome o;
  test::run([&]() -> awaitable<void> {
    side a{std::move(client), client_checks};
    side b{std::move(server), server_checks};
    o = co_await connect(a, b);
  });
  return o;
}

tls::peer_check by(const dtls::fingerprint& f) {
  tls::peer_check c;
  c.fingerprints.push_back(f);
  return c;
}

}  // namespace

TEST_CASE("both sides take each other's fingerprint") {
  const identity a("a.example");
  const identity b("b.example");
  const auto o = handshake(a.context(), by(b.print()), b.context(), by(a.print()));
  REQUIRE(o.client == "fine");
  REQUIRE(o.server == "fine");
  const auto longer = handshake(a.context(), by(b.print(dtls::hash_function::sha_512)), b.context(), {});
  REQUIRE(longer.client == "fine");
}

TEST_CASE("a wrong fingerprint ends the handshake on both sides") {
  const identity a("a.example");
  const identity b("b.example");
  SECTION("of the server") {
    const auto o = handshake(a.context(), by(a.print()), b.context(), {});
    REQUIRE(o.client == "tls:certificate");
    REQUIRE(o.server == "tls:alert");
  }
  SECTION("of the client") {
    const auto o = handshake(a.context(), {}, b.context(), by(b.print()));
    REQUIRE(o.server == "tls:certificate");
    REQUIRE(o.client == "tls:alert");
  }
  SECTION("a hash that is not taken") {
    tls::peer_check none_taken;
    none_taken.named = true;
    const auto o = handshake(a.context(), none_taken, b.context(), {});
    REQUIRE(o.client == "tls:certificate");
  }
  SECTION("a client without a certificate") {
    const auto none = *tls::context::make_from_pem({}, {});
    const auto o = handshake(none, {}, b.context(), by(a.print()));
    REQUIRE(o.server == "tls:certificate");
    REQUIRE(o.client == "tls:alert");
  }
}

TEST_CASE("a chain to a trusted authority is verified, and the name in it") {
  const identity authority("ca.example", nullptr, true);
  const identity server("gw.example", &authority);
  const identity self_signed("gw.example");
  const auto client = *tls::context::make_from_pem({}, {}, authority.certificate());
  tls::peer_check check;
  check.verify_ca = true;
  REQUIRE(handshake(client, check, server.context(), {}).client == "fine");
  check.host = "gw.example";
  REQUIRE(handshake(client, check, server.context(), {}).client == "fine");
  REQUIRE(handshake(client, check, self_signed.context(), {}).client == "tls:certificate");
  check.fingerprints.push_back(server.print());
  REQUIRE(handshake(client, check, server.context(), {}).client == "fine");
  check.fingerprints[0] = self_signed.print();  // both must hold
  REQUIRE(handshake(client, check, server.context(), {}).client == "tls:certificate");
  check.fingerprints.clear();
  check.host = "other.example";
  REQUIRE(handshake(client, check, server.context(), {}).client == "tls:certificate");
}

TEST_CASE("a peer that does not speak TLS fails the stage with its reason") {
  const identity a("a.example");
  std::string cause;
  test::run([&]() -> awaitable<void> {
    auto p = co_await make_pair();
    const std::string plain = "MSRP a786hjs2 SEND\r\n\r\n";
    const auto piece = std::as_bytes(std::span(plain));
    co_await p.dialled->write(std::span(&piece, 1));
    std::unique_ptr<byte_stream> out;
    cause = co_await attempt(std::move(p.accepted), a.context(), tls::role::server, unchecked, out);
  });
  REQUIRE(cause == "tls:protocol");
}

TEST_CASE("a peer that hangs up in the handshake is a reset") {
  const identity a("a.example");
  std::string cause;
  test::run([&]() -> awaitable<void> {
    auto p = co_await make_pair();
    p.dialled.reset();
    std::unique_ptr<byte_stream> out;
    cause = co_await attempt(std::move(p.accepted), a.context(), tls::role::server, unchecked, out);
  });
  REQUIRE(cause == "tcp:reset");
}

TEST_CASE("gathered writes pass whole, close_notify ends the stream orderly, and a cut is told apart") {
  const identity a("a.example");
  const auto shared = a.context();
  std::vector<std::byte> data(3'000'000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>((i * 11 + i / 253) & 0xFF);
  std::vector<bytes_view> pieces;
  for (std::size_t at = 0, size = 0; at < data.size(); at += size) {
    size = std::min<std::size_t>(data.size() - at, at % 40'000 + 1);
    pieces.push_back(bytes_view(data).subspan(at, size));
    pieces.emplace_back();
  }
  for (const bool orderly : {true, false}) {
    std::vector<std::byte> got;
    std::string end = "orderly";
    test::run([&]() -> awaitable<void> {
      auto p = co_await make_pair();
      task_group tasks(co_await asio::this_coro::executor, "transfer");
      tasks.spawn("client", [&]() -> awaitable<void> {
        auto* raw = p.dialled.get();
        auto s = co_await tls::handshake(std::move(p.dialled), shared, tls::role::client, unchecked);
        co_await s->write(pieces);
        if (orderly) {
          co_await s->close(deadline_after(10s));
        } else {
          error_code ignored;
          raw->socket().shutdown(tcp_socket::shutdown_send, ignored);
          std::array<std::byte, 1> one{};
          try {
            co_await s->read_some(one);
          } catch (const stage_error&) {
          }
        }
      });
      tasks.spawn("server", [&]() -> awaitable<void> {
        auto s = co_await tls::handshake(std::move(p.accepted), shared, tls::role::server, unchecked);
        std::vector<std::byte> some(20'000);
        try {
          for (std::size_t count = 1; count != 0;) {
            count = co_await s->read_some(some);
            got.insert(got.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
          }
          co_await s->close(deadline_after(10s));
        } catch (const stage_error& e) {
          end = e.cause();
        }
      });
      co_await until(deadline_after(20s), tasks.join());
    });
    REQUIRE((got == data));
    REQUIRE(end == (orderly ? "orderly" : "tls:truncated"));
  }
}

TEST_CASE("the handshake and each operation behind it can be cancelled") {
  const identity a("a.example");
  const auto shared = a.context();
  test::run([&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    for (int turns = 0; turns < 5; ++turns) {
      auto p = co_await make_pair();
      task_group tasks(executor, "cancel");
      bool ended = false;
      tasks.spawn("handshake", [&]() -> awaitable<void> {
        try {
          auto s = co_await tls::handshake(std::move(p.accepted), shared, tls::role::server, unchecked);
        } catch (const system_error& e) {
          ended = e.code() == asio::error::operation_aborted;
          throw;
        }
      });
      for (int i = 0; i < turns; ++i) co_await asio::post(executor, use_awaitable);
      tasks.cancel();
      co_await tasks.join();
      REQUIRE((ended || turns == 0));
    }
    auto p = co_await make_pair();
    task_group tasks(executor, "streams");
    std::unique_ptr<byte_stream> client;
    std::unique_ptr<byte_stream> server;
    tasks.spawn("client", [&]() -> awaitable<void> {
      client = co_await tls::handshake(std::move(p.dialled), shared, tls::role::client, unchecked);
    });
    tasks.spawn("server", [&]() -> awaitable<void> {
      server = co_await tls::handshake(std::move(p.accepted), shared, tls::role::server, unchecked);
    });
    co_await tasks.join();
    int ended = 0;
    const std::vector<std::byte> big(30'000'000);
    const bytes_view piece(big);
    tasks.spawn("read", [&]() -> awaitable<void> {
      std::array<std::byte, 10> some{};
      try {
        co_await client->read_some(some);
      } catch (const system_error&) {
        ++ended;
        throw;
      }
    });
    tasks.spawn("write", [&]() -> awaitable<void> {
      try {
        co_await client->write(std::span(&piece, 1));
      } catch (const system_error&) {
        ++ended;
        throw;
      }
    });
    for (int i = 0; i < 5; ++i) co_await asio::post(executor, use_awaitable);
    tasks.cancel();
    co_await tasks.join();
    REQUIRE(ended == 2);
  });
}

TEST_CASE("files that cannot be used are errors, not exceptions") {
  tls::config settings;
  settings.certificate_file = "/nonexistent/agw.pem";
  settings.private_key_file = "/nonexistent/agw.key";
  REQUIRE(tls::context::make(settings).has_error());
  REQUIRE(tls::context::make_from_pem("garbage", "garbage").has_error());
  const identity a("a.example");
  const identity b("b.example");
  REQUIRE(tls::context::make_from_pem(a.certificate(), b.private_key()).has_error());
  REQUIRE(tls::context::make(tls::config()).has_value());
}

TEST_CASE("what arrives while a read is cancelled stays for the next read") {
  const identity a("a.example");
  test::run([&]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    side client{a.context(), by(a.print())};
    side server{a.context(), {}};
    co_await connect(client, server);
    auto* const writer = client.stream.get();
    auto* const reader = server.stream.get();
    for (int turns = 0; turns < 16; ++turns) {
      CAPTURE(turns);
      const auto sent = static_cast<std::byte>(turns);
      std::array<std::byte, 1> got{};
      const bytes_view piece(&sent, 1);
      if (turns % 2 == 0) {
        // Decrypted with the one before it, it is there at once.
        const std::array<bytes_view, 2> both{piece, piece};
        co_await writer->write(both);
        co_await reader->read_some(got);
      }
      std::function<awaitable<void>()> meanwhile = [&]() -> awaitable<void> {
        if (turns % 2 != 0) co_await writer->write(std::span(&piece, 1));
        for (int i = 0; i < turns / 2; ++i) co_await asio::post(executor, use_awaitable);
      };
      auto count = co_await test::interrupted_read(*reader, got, meanwhile);
      if (count == 0) count = co_await until(deadline_after(20s), reader->read_some(got));
      CHECK(count == 1);
      CHECK(got[0] == sent);
    }
  });
}
