// One DTLS 1.2 session without I/O: datagrams and the time go in; datagrams, decrypted payload and the next deadline come out.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "agw/core/clock.hpp"
#include "agw/core/pipe.hpp"
#include "agw/transports/dtls_context.hpp"

namespace agw::dtls {

/// Why a session ended: `reason` is the word of the failure vocabulary behind "dtls:".
struct session_end {
  /// "fingerprint" (the peer's certificate is not the announced one), "certificate" (none, or too weak a key), "alert" (the
  /// peer sent a fatal one), "protocol" (what the peer does is not DTLS 1.2, or nothing in common), "timeout" (a flight was
  /// repeated 12 times without an answer), "closed" (close_notify).
  std::string_view reason;
  boost::system::error_code code;
  /// For the log: the alert's name, OpenSSL's reason.
  std::string detail;
};

/// Drives one SSL object over a BIO of its own with datagram boundaries. After each call the owner sends what was appended to `out`, in
/// order, and it calls timeout() when next_deadline() has passed. Shard-bound. After the end every call is harmless:
/// datagrams are counted as drops and nothing comes out.
class machine {
 public:
  /// `largest_datagram_bytes`: the lower pipe's limit, see handshake_config. Throws system_error when OpenSSL cannot make a
  /// session, or std::invalid_argument for a configuration without a context.
  explicit machine(const handshake_config& config, std::size_t largest_datagram_bytes = 16384);
  ~machine();
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  enum class status { handshaking, established, ended };
  status state() const noexcept;
  /// Why it ended; reason is empty while it has not.
  const session_end& end() const noexcept;

  /// Begins the handshake: the active side's ClientHello goes to `out`.
  void start(clock::time_point now, datagram_batch& out);
  /// One datagram from the path. Appends what must be sent to `out` and each decrypted record to `payload`. What is not an
  /// acceptable record is dropped and counted (agw_drops_total{layer="dtls"}) and changes nothing else.
  void receive(bytes_view datagram, clock::time_point now, datagram_batch& out, datagram_batch& payload);
  /// Repeats the last flight when its time has come; too early a call does nothing.
  void timeout(clock::time_point now, datagram_batch& out);
  /// When timeout() is to be called; no_deadline when it is not. Changes with every call.
  deadline next_deadline() const noexcept;

  /// Encrypts one payload into one datagram of `out`. False when it was dropped and counted: not established, empty, or larger
  /// than max_payload_bytes().
  bool send(bytes_view payload, datagram_batch& out);
  /// The largest payload of one datagram, bytes: the MTU without record header, explicit nonce and tag. Before the handshake is
  /// done that of the worst cipher.
  std::size_t max_payload_bytes() const noexcept;
  /// Sends close_notify, once, and ends with "closed". Before the handshake is done it only ends.
  void close(datagram_batch& out);

  /// Frees the record buffers (33 KB) until the next record; worth calling when no datagram is expected.
  void release_buffers() noexcept;
  /// Gives the memory in which the handshake was put together back to the system (21 KB), once it is done. That costs more than
  /// the rest of a short call's memory: worth calling for a session that stands.
  void give_handshake_back() noexcept;

  /// The negotiated cipher's name; empty before.
  std::string_view cipher() const noexcept;
  /// The use_srtp profile that was negotiated (RFC 5764); empty when none was.
  std::string_view srtp_profile() const noexcept;
  /// RFC 5705 keying material, such as "EXTRACTOR-dtls_srtp". False when not established.
  bool export_keying_material(std::string_view label, std::span<std::byte> into) const;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace agw::dtls
