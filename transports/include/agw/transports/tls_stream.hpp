// TLS over TCP towards the core, as a byte stream.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agw/core/pipe.hpp"
#include "agw/transports/certificate.hpp"
#include "agw/transports/fingerprint.hpp"
#include "agw/transports/tcp.hpp"

namespace agw::tls {

struct config {
  std::string certificate_file;  ///< PEM, the whole chain; needed by a server, optional for a client
  std::string private_key_file;  ///< PEM
  std::string ca_file;           ///< PEM; empty = the system's
};

/// What a process or realm shares: certificate, key, trusted CAs. TLS 1.2 and 1.3. Made once, at start; then thread-safe.
class context {
 public:
  /// The OpenSSL error of the first file that cannot be used. `otherwise` is presented where the settings name no certificate.
  static result<std::shared_ptr<context>> make(const config& settings, const dtls::certificate* otherwise = nullptr);
  /// From PEM in memory, for certificates that are made at start. `trusted` replaces the CAs.
  static result<std::shared_ptr<context>> make_from_pem(const std::string& certificate_chain, const std::string& private_key,
                                                        const std::string& trusted = {});
  ~context();
  /// Of the certificate that is presented, for a=fingerprint; nothing when there is none.
  std::optional<dtls::fingerprint> own_fingerprint() const;
  /// The end of its validity; nothing when there is none.
  std::optional<std::chrono::system_clock::time_point> not_after() const;
  struct impl;
  impl& get() noexcept { return *impl_; }

 private:
  explicit context(std::unique_ptr<impl> i) noexcept;
  std::unique_ptr<impl> impl_;
};

enum class role { client, server };

/// What must hold for the peer's certificate. With neither it is not checked, and a server does not ask for one.
struct peer_check {
  std::vector<dtls::fingerprint> fingerprints;  ///< where there are any, dtls::matches_any() decides
  bool named = false;                     ///< SDP has named fingerprints: without one that could be taken no certificate is accepted
  bool verify_ca = false;                 ///< the chain leads to a trusted CA, and its name is `host` where that is set
  std::string host;                       ///< also the client's SNI
};

/// The handshake. Takes the TCP stream over. Throws stage_error "tls" with "certificate", "alert" (the peer refused), "protocol"
/// (not TLS, or nothing in common), and those of "tcp" when the connection dies; "timeout" is stage()'s. Cancel is safe; the
/// connection is gone then. The stream that it yields throws stage_error "tls" "alert", "truncated" and those of "tcp".
awaitable<std::unique_ptr<byte_stream>> handshake(std::unique_ptr<tcp::stream> connection, std::shared_ptr<context> shared,
                                                  role as, peer_check check);

}  // namespace agw::tls
