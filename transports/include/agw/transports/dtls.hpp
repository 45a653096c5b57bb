// The stage "dtls": a handshake over a datagram pipe, and the encrypted datagram pipe that it yields.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "agw/core/awaitable.hpp"
#include "agw/core/pipe.hpp"
#include "agw/transports/dtls_context.hpp"

namespace agw::dtls {

class machine;

/// An established session. It refers to the lower pipe, which must outlive it. No task of its own runs: what DTLS still has to do
/// after the handshake (repeat the last flight for a peer that missed it, close_notify, alerts) happens inside receive().
/// Shard-bound; destroying it sends nothing: close() first.
class session final : public datagram_pipe {
 public:
  ~session() override;

  /// Decrypts all that the lower pipe has, into `into`. Throws stage_error("dtls", …): "closed" when the peer sent close_notify
  /// or close() was called, "alert", "protocol"; and whatever the lower pipe throws. Payload that came before the end is
  /// delivered first.
  awaitable<void> receive(datagram_batch& into) override;
  /// Encrypts the whole batch into one batch for the lower pipe. Once the session ended, datagrams are dropped and counted.
  void send(const datagram_batch& batch) override;
  /// The lower datagram without the overhead of the negotiated cipher; 1163 of 1200 with AES-GCM.
  std::size_t max_datagram_bytes() const noexcept override;
  void allow_fragments(bool allowed) noexcept override { lower_.allow_fragments(allowed); }

  /// Sends close_notify; nothing can be sent afterwards. Never waits. Idempotent.
  void close();

  /// To be called about a second after the handshake, and then after as many seconds as it returns (see sweep_entry): a session that stands gives
  /// memory back that only the handshake needed.
  std::chrono::seconds look() noexcept;

  std::string_view cipher() const noexcept;
  /// See machine.
  std::string_view srtp_profile() const noexcept;
  bool export_keying_material(std::string_view label, std::span<std::byte> into) const;

 private:
  friend awaitable<std::unique_ptr<session>> handshake(datagram_pipe& lower, handshake_config config);
  session(datagram_pipe& lower, std::unique_ptr<machine> established, datagram_batch early, std::function<void()> on_authentic);
  void deliver(datagram_batch& into);

  datagram_pipe& lower_;
  std::unique_ptr<machine> machine_;
  datagram_batch early_;      // payload that came together with the end of the handshake
  std::function<void()> on_authentic_;
  datagram_batch encrypted_;  // from below; between calls empty
  bool stands_ = false;       // look() was called
};

/// Performs the handshake in the configured role over a path that ICE has verified (so without a cookie exchange), retransmits,
/// and verifies the peer's fingerprint. The caller sets the deadline (`stage()`); `lower` must outlive the session. Yields the
/// established session. Throws stage_error("dtls", …): "fingerprint", "certificate", "alert", "protocol", "timeout", "closed";
/// whatever the lower pipe throws; operation_aborted on cancel, which leaves the lower pipe as it is (no alert is sent).
awaitable<std::unique_ptr<session>> handshake(datagram_pipe& lower, handshake_config config);

}  // namespace agw::dtls
