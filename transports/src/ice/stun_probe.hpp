// Connectivity checks of our own, beside those of libnice's agent: they make the selected pair answer.
// libnice keeps what comes back to itself, as it has not asked.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <stun/stunagent.h>

#include "agw/core/pipe.hpp"
#include "agw/transports/ice_parameters.hpp"

namespace agw::ice {

/// 12.8 KB, for the time of a few checks. Shard-bound.
class stun_probe {
 public:
  stun_probe(const credentials& local, const credentials& remote, bool controlling);
  stun_probe(const stun_probe&) = delete;
  stun_probe& operator=(const stun_probe&) = delete;

  /// A check without a nomination (RFC 8445, 7.2.2). Lives until the next one; empty when it cannot be composed.
  bytes_view compose();

 private:
  StunAgent agent_;
  std::string username_;
  std::string password_;  // of the peer; the agent keeps pointers to it
  bool controlling_ = false;
  std::uint64_t tie_breaker_;
  std::array<std::uint8_t, 576> request_;
};

}  // namespace agw::ice
