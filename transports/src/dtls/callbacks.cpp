#include "dtls/callbacks.hpp"

namespace agw::dtls {

namespace {

int watcher_index() noexcept {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

handshake_watcher* watcher_of(const SSL* ssl) noexcept {
  return static_cast<handshake_watcher*>(SSL_get_ex_data(ssl, watcher_index()));
}

unsigned next_interval(SSL* ssl, unsigned last) { return watcher_of(ssl)->next_interval(last); }

}  // namespace

bool watch(SSL& ssl, handshake_watcher& watcher) noexcept {
  DTLS_set_timer_cb(&ssl, next_interval);
  return SSL_set_ex_data(&ssl, watcher_index(), &watcher) == 1;
}

int verify_certificate(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* certificate = X509_STORE_CTX_get0_cert(store);
  if (auto* watcher = watcher_of(ssl); certificate && watcher && watcher->accepts(*certificate)) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);  // goes out as the alert bad_certificate
  return 0;
}

void note_alert(const SSL* ssl, int where, int alert) {
  if ((where & SSL_CB_ALERT) == 0 || (where & SSL_CB_READ) == 0) return;
  if (auto* watcher = watcher_of(ssl)) watcher->alert(alert >> 8, alert & 0xff);
}

}  // namespace agw::dtls
