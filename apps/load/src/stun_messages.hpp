// The STUN messages of a controlling ICE client, by libnice's STUN library. No I/O.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <stun/stunagent.h>

#include "agw/core/pipe.hpp"
#include "agw/transports/ice_parameters.hpp"

namespace agw::load {

using transaction_id = std::array<std::uint8_t, 16>;  // with the cookie in front

/// A connectivity check with USE-CANDIDATE.
struct stun_check {
  std::string username;       ///< theirs:ours
  std::string password;       ///< theirs
  std::uint32_t priority = 0;
  std::uint64_t tie_breaker = 0;
};

enum class stun_answer : std::uint8_t { none, success, refused };

/// A StunAgent has 12.8 KB and keeps 200 requests at most: one per thread serves all clients, who keep the ids of their requests.
class stun_messages {
 public:
  static stun_messages& of_this_thread();
  stun_messages(const stun_messages&) = delete;
  stun_messages& operator=(const stun_messages&) = delete;

  std::vector<std::byte> compose(const stun_check& check, transaction_id& id);
  /// What `datagram` says to the request `id`; none: it is no valid answer to it.
  stun_answer read_answer(bytes_view datagram, const transaction_id& id, const std::string& password);
  /// The answer to a check of the peer's (a gateway with full ICE sends some): empty when it is none, or not for us. Valid until the
  /// next call.
  bytes_view answer(bytes_view datagram, const udp::endpoint& source, const ice::credentials& own);

 private:
  stun_messages();
  StunAgent agent_;
  std::array<std::uint8_t, 1024> buffer_;
};

}  // namespace agw::load
