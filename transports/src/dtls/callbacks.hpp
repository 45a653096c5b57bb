// What OpenSSL calls back during a handshake; the context registers them, the machine behind the SSL object answers.
#pragma once

#include "dtls/openssl_ptr.hpp"

namespace agw::dtls {

/// The machine's side, found through the SSL object.
class handshake_watcher {
 public:
  /// Whether this is the peer that the signalling announced. Called before the peer has proven that it has the key.
  virtual bool accepts(const X509& certificate) noexcept = 0;
  /// The peer sent an alert: level 1 warning, 2 fatal.
  virtual void alert(int level, int description) noexcept = 0;
  /// How long to wait before the flight is repeated, µs; `last` is the previous answer, 0 for a new flight.
  virtual unsigned next_interval(unsigned last) noexcept = 0;

 protected:
  ~handshake_watcher() = default;
};

/// Ties `watcher`, which outlives it, to `ssl`. False when out of memory.
bool watch(SSL& ssl, handshake_watcher& watcher) noexcept;

// SSL_CTX_set_cert_verify_callback, SSL_CTX_set_info_callback
int verify_certificate(X509_STORE_CTX* store, void*);
void note_alert(const SSL* ssl, int where, int alert);

}  // namespace agw::dtls
