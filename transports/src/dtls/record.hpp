// Checks on a record before OpenSSL sees it: OpenSSL ends a handshake because of senseless plaintext, but anybody may have sent that
// datagram, so it should only be dropped.
#pragma once

#include <cstdint>
#include <string_view>

#include "agw/core/pipe.hpp"
#include "agw/transports/dtls_context.hpp"

namespace agw::dtls {

/// RFC 6347, 4.1: the record layer's content types.
enum class content_type : std::uint8_t { change_cipher_spec = 20, alert = 21, handshake = 22, application_data = 23 };

struct record {
  bytes_view bytes;  ///< with the header
  bytes_view body;
  content_type type = content_type::handshake;
  std::uint16_t epoch = 0;
};

inline constexpr std::size_t record_header_bytes = 13;
/// RFC 6347, 4.1: a plaintext of 2^14, and what its protection may add.
inline constexpr std::size_t max_record_body_bytes = 16384 + 2048;
/// What protection puts around a plaintext, even an empty one: AES-GCM a nonce and a tag (RFC 5288, 3), ChaCha20-Poly1305 a tag (RFC 7905, 2). OpenSSL
/// takes a shorter record for an error of its own and gives the session up.
inline constexpr std::size_t least_gcm_bytes = 24;
inline constexpr std::size_t least_chacha_bytes = 16;
/// The largest handshake message taken: a certificate chain far larger than WebRTC's, and what OpenSSL always makes room for.
inline constexpr std::size_t max_handshake_message_bytes = 16384;

/// Takes the first record off `datagram`. False when none can begin there (then the rest is worth nothing): too short, another
/// content type, not DTLS 1.0 or 1.2, empty, or longer than the datagram.
bool take_record(bytes_view& datagram, record& out) noexcept;

/// What of the handshake has been seen, for plausible().
enum class progress { nothing, begun, done };

/// Whether the peer of `ours` can have sent `r` now, as far as that shows without keys: an epoch of 0 or 1; at epoch 0 only the
/// handshake, in messages of the peer's side with lengths that fit together, an alert or a change_cipher_spec of their right
/// form, and to the passive side first of all a ClientHello; at epoch 1 nothing before the handshake has begun, nothing that is too short to be protected, and
/// no payload for the passive side before its end.
bool plausible(const record& r, role ours, progress so_far, std::size_t least_protected_bytes = least_gcm_bytes) noexcept;

}  // namespace agw::dtls
