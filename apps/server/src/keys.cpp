#include "keys.hpp"

#include <boost/system/system_error.hpp>

#include "agw/core/log.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/certificate.hpp"

namespace agw::server {

namespace {

// Some WICs (Pion) offer use_srtp for data channels as well and end the handshake when it is not answered.
constexpr const char* srtp_profiles = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";

}  // namespace

keys::keys(const server_options& options, replaceable<const dtls::context>& dtls, replaceable<tls::context>& tls)
    : options_(options), dtls_(dtls), tls_(tls) {}

bool keys::load() { return load(true); }
bool keys::reload() { return load(false); }

// What OpenSSL refuses only when it is to use it (a signature of SHA-1, say) is thrown: the process goes on with what it has.
bool keys::load(bool anew) {
  try {
    return take(anew);
  } catch (const boost::system::system_error& e) {
    log::error("the certificate cannot be used: {}", e.what());
    return false;
  }
}

bool keys::take(bool anew) {
  auto dtls = dtls_.current();
  if (!options_.dtls_certificate.empty()) {
    auto own = dtls::certificate::load(options_.dtls_certificate, options_.dtls_key);
    if (!own) {
      log::error("{}, {}: {}", options_.dtls_certificate, options_.dtls_key, own.error().message());
      return false;
    }
    dtls = std::make_shared<const dtls::context>(std::move(*own), srtp_profiles);
  } else if (anew || !dtls) {
    dtls = std::make_shared<const dtls::context>(dtls::certificate::self_signed(), srtp_profiles);
  }
  auto tls = tls::context::make(options_.tls, &dtls->own());
  if (!tls) {
    log::error("TLS towards the core: {}", tls.error().message());
    return false;
  }
  dtls_.replace(std::move(dtls));
  tls_.replace(std::move(*tls));
  return true;
}

awaitable<void> keys::renew() {
  if (!options_.dtls_certificate.empty() || options_.dtls_certificate_lifetime == clock::duration{}) co_return;
  for (;;) {
    co_await sleep_until(deadline_after(options_.dtls_certificate_lifetime));
    if (load(true)) log::info("the certificate is replaced: {}", dtls_.current()->own().fingerprint().str());
  }
}

}  // namespace agw::server
