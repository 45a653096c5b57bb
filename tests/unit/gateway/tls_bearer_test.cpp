#include <openssl/pem.h>

#include "agw/core/sockets.hpp"
#include "rig.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

using kind = gateway_event::kind;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

/// The TLS side of a self-signed identity; it trusts `trusted` where that is given.
std::shared_ptr<tls::context> tls_of(const dtls::certificate& own, const std::string& trusted = {}) {
  BIO* certificate = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate, own.x509());
  BIO* key = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key, own.key(), nullptr, nullptr, 0, nullptr, nullptr);
  auto made = tls::context::make_from_pem(text_of(certificate), text_of(key), trusted);
  REQUIRE(made.has_value());
  return *made;
}

std::string pem_of(const dtls::certificate& own) {
  BIO* certificate = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate, own.x509());
  return text_of(certificate);
}

stream_change tls_bearer(setup_role ours, std::uint16_t port, std::vector<std::string> fingerprints) {
  auto out = bearer_change(ours, port);
  auto& local = std::get<bearer_local>(*out.local);
  local.tls = true;
  local.msrp_aware = true;
  local.choose_path = true;
  auto& remote = std::get<bearer_remote>(*out.remote);
  remote.tls = remote.msrp_aware = true;
  remote.fingerprints = std::move(fingerprints);
  remote.path = {"msrps://127.0.0.1:" + std::to_string(port) + "/core;tcp"};
  return out;
}

/// The peer accepts one connection and does its side of TLS.
awaitable<std::unique_ptr<byte_stream>> serve(tcp_acceptor& listens, std::shared_ptr<tls::context> own) {
  auto accepted = co_await listens.async_accept(use_awaitable);
  auto connection = std::make_unique<tcp::stream>(std::move(accepted), tcp::config());
  tls::peer_check unchecked;
  auto shaking = tls::handshake(std::move(connection), std::move(own), tls::role::server, unchecked);
  co_return co_await std::move(shaking);
}

}  // namespace

TEST_CASE("TLS towards the core comes up when the peer's certificate has the fingerprint of Remote, or leads to a trusted CA") {
  const bool by_fingerprint = GENERATE(true, false);
  rig r;
  const auto peer = dtls::certificate::self_signed();
  r.services.tls = tls_of(gateway_identity()->own(), by_fingerprint ? std::string() : pem_of(peer));
  r.run([&](context& gateway) -> awaitable<void> {
    auto listens = listening(r);
    std::vector<std::string> prints;
    if (by_fingerprint) prints.push_back(peer.fingerprint().str());
    auto wanted = with_stream(core_side, s2, tls_bearer(setup_role::active, listens.local_endpoint().port(), prints));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    CHECK(bearer_of(*answer).path.at(0).starts_with("msrps://127.0.0.1:"));
    auto stream = co_await serve(listens, tls_of(peer));
    co_await r.event_of("tls", kind::established);
    CHECK(r.saw("tcp", kind::established));
    CHECK(stream != nullptr);
  });
}

TEST_CASE("a TLS peer with another certificate fails the bearer with tls:certificate") {
  const bool by_fingerprint = GENERATE(true, false);
  rig r;
  const auto peer = dtls::certificate::self_signed();
  const auto other = dtls::certificate::self_signed();
  r.services.tls = tls_of(gateway_identity()->own(), by_fingerprint ? std::string() : pem_of(other));
  r.run([&](context& gateway) -> awaitable<void> {
    auto listens = listening(r);
    std::vector<std::string> prints;
    if (by_fingerprint) prints.push_back(other.fingerprint().str());
    auto wanted = with_stream(core_side, s2, tls_bearer(setup_role::active, listens.local_endpoint().port(), prints));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    try {
      auto stream = co_await serve(listens, tls_of(peer));
    } catch (const stage_error&) {  // told by an alert, when it comes before the peer is done
    }
    const auto failed = co_await r.event_of("tls", kind::failed);
    CHECK(failed.cause == "tls:certificate");
  });
}

TEST_CASE("a B2BUA over TLS replaces both path lines on each side") {
  rig r;
  const auto peer = dtls::certificate::self_signed();
  r.services.tls = tls_of(gateway_identity()->own());
  r.run([&](context& gateway) -> awaitable<void> {
    auto listens = listening(r);
    const auto port = listens.local_endpoint().port();
    auto core_wanted = with_stream(core_side, s2, tls_bearer(setup_role::active, port, {peer.fingerprint().str()}));
    const auto core_answer = co_await gateway.apply(std::move(core_wanted));
    REQUIRE(core_answer.has_value());
    const auto own_core = bearer_of(*core_answer).path.at(0);
    const std::string own_wic = "msrps://127.0.0.1:9/gateway;dc";
    const std::string wic_path = "msrps://wic.invalid:9/browser;dc";
    const std::string core_path = "msrps://127.0.0.1:" + std::to_string(port) + "/core;tcp";
    wic browser(r);
    auto wanted = browser.call({4});
    std::get<channel_local>(*wanted.streams.at(s2).local).path = {own_wic};
    channel_remote theirs;
    theirs.path = {wic_path};
    wanted.streams.at(s2).remote = theirs;
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    const auto gateway_port = association_of(*answer).port;
    auto core = co_await serve(listens, tls_of(peer));
    task_group pumps(co_await asio::this_coro::executor, "wic");
    co_await browser.establish(pumps, gateway_port);
    auto channel = co_await browser.association->open_channel(4, "", "msrp");
    const std::string tail = "Message-ID: mess1\r\nByte-Range: 1-2/2\r\nContent-Type: text/plain\r\n\r\nhi\r\n-------abcd$\r\n";
    const auto said = "MSRP abcd SEND\r\nTo-Path: " + own_wic + "\r\nFrom-Path: " + wic_path + "\r\n" + tail;
    const auto bytes = std::as_bytes(std::span(said.data(), said.size()));
    co_await channel->send(bytes);
    std::string heard;
    std::vector<std::byte> buffer(4096);
    while (heard.find("$\r\n") == std::string::npos) {
      const auto count = co_await core->read_some(buffer);
      REQUIRE(count > 0);
      heard.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
    CHECK(heard.find("To-Path: " + core_path + "\r\n") != std::string::npos);
    CHECK(heard.find("From-Path: " + own_core + "\r\n") != std::string::npos);
    CHECK(heard.find("\r\n\r\nhi\r\n") != std::string::npos);
    const auto back = "MSRP efgh SEND\r\nTo-Path: " + own_core + "\r\nFrom-Path: " + core_path +
                      "\r\nMessage-ID: mess2\r\nByte-Range: 1-2/2\r\nContent-Type: text/plain\r\n\r\nyo\r\n-------efgh$\r\n";
    const bytes_view piece = std::as_bytes(std::span(back.data(), back.size()));
    const std::span<const bytes_view> pieces(&piece, 1);
    co_await core->write(pieces);
    std::vector<message> got;
    while (read_all(got).find("\r\n\r\nyo\r\n") == std::string::npos) {
      if (!co_await channel->receive(got)) break;
    }
    const auto at_wic = read_all(got);
    CHECK(at_wic.find("To-Path: " + wic_path + "\r\n") != std::string::npos);
    CHECK(at_wic.find("From-Path: " + own_wic + "\r\n") != std::string::npos);
    const auto counted = gateway.statistics(core_side).at(s2);
    CHECK(counted.octets_sent == heard.size());
    CHECK(counted.octets_received == back.size());
    channel.reset();
    browser.association.reset();
    co_await pumps.stop();
  });
}

TEST_CASE("the fingerprint of the certificate that TLS presents is answered") {
  rig r;
  const auto own = dtls::certificate::self_signed();
  r.services.tls = tls_of(own);
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = with_stream(core_side, s2, tls_bearer(setup_role::passive, 4000, {}));
    wanted.streams.emplace(s3, bearer_change(setup_role::passive));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    CHECK(bearer_of(*answer).fingerprint == own.fingerprint().str());
    CHECK(bearer_of(*answer, s3).fingerprint.empty());
  });
}

TEST_CASE("without a certificate of its own TLS presents that of DTLS") {
  const auto own = dtls::certificate::self_signed();
  const auto made = tls::context::make(tls::config(), &own);
  REQUIRE(made.has_value());
  CHECK((*made)->own_fingerprint() == own.fingerprint());
  const auto bare = tls::context::make(tls::config());
  REQUIRE(bare.has_value());
  CHECK_FALSE((*bare)->own_fingerprint());
}
