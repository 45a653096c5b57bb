// The WIC's side of ICE towards a gateway on one address: a controlling client that nominates with its first check, keeps consent fresh
// (RFC 7675) and answers the gateway's checks. Datagrams and the time in, datagrams and deadlines out; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agw/core/clock.hpp"
#include "stun_messages.hpp"

namespace agw::load {

struct ice_client_config {
  ice::credentials own;
  ice::credentials gateway;
  std::uint64_t tie_breaker = 0;  ///< also spreads the consent checks of many clients
  clock::duration first_repetition = std::chrono::milliseconds(250);  ///< of the nominating check; doubles up to …
  clock::duration slowest_repetition = std::chrono::seconds(2);
  clock::duration consent_interval = std::chrono::seconds(5);  ///< 0.8 to 1.2 of it (RFC 7675, 5.1)
  clock::duration consent_timeout = std::chrono::seconds(30);
};

class ice_client {
 public:
  enum class state : std::uint8_t { checking, nominated, refused, lost };
  enum class verdict : std::uint8_t { handled, answer, application };

  ice_client(ice_client_config config, clock::time_point now);

  /// When time is to be told; nothing once it is over.
  std::optional<clock::time_point> due() const noexcept;
  /// A check to be sent now, or nothing. Valid until the next call.
  bytes_view on_time(clock::time_point now);
  /// A datagram of the gateway's. answer: answer() goes back to `source` at once.
  verdict on_datagram(bytes_view datagram, const udp::endpoint& source, clock::time_point now);
  bytes_view answer() const noexcept { return answer_; }

  state now_is() const noexcept { return state_; }
  std::uint64_t checks_sent() const noexcept { return sent_; }

 private:
  bytes_view next_check(clock::time_point now);
  clock::duration next_interval() noexcept;

  ice_client_config config_;
  stun_check check_;
  state state_ = state::checking;
  std::vector<std::byte> request_;  // that waits for its answer; empty: none does
  transaction_id id_{};
  clock::time_point due_;
  clock::duration repetition_;
  clock::time_point last_answer_;
  std::uint64_t random_;
  std::uint64_t sent_ = 0;
  bytes_view answer_;
};

}  // namespace agw::load
