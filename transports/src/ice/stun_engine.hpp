// Reading connectivity checks and composing their answers, by libnice's STUN library.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <stun/stunagent.h>

#include "agw/core/pipe.hpp"
#include "agw/transports/udp.hpp"

namespace agw::ice {

/// What a STUN datagram turned out to be.
enum class stun_kind {
  check,              ///< a Binding request with the right credentials; the answer is a success
  role_conflict,      ///< a valid one whose sender thinks itself controlled, too; the answer is a 487
  unknown_attribute,  ///< a valid one with attributes that must be understood and are not; the answer is a 420
  no_credentials,     ///< the answer is a 400
  wrong_username,     ///< the answer is a 401
  wrong_integrity,    ///< the answer is a 401
  indication,         ///< a Binding indication: a keepalive
  response,           ///< a response, although no request was sent
  wrong_method,
  malformed,
};

struct stun_reading {
  stun_kind kind = stun_kind::malformed;
  std::uint32_t priority = 0;  ///< of the check's PRIORITY; 0 without one
  bool use_candidate = false;
  bytes_view answer;  ///< lives until the next read(); empty where none is due
};

/// What the engine asks its caller while it reads.
struct stun_judge {
  /// The local password that goes with a USERNAME; null when that is nobody's.
  std::function<const std::string*(std::string_view username)> password_of;
  /// Whether an error may be answered; asked once for each that would be.
  std::function<bool()> may_refuse;
};

/// A StunAgent keeps 12.8 KB, and one that only answers keeps nothing between two messages: so there is one per thread.
class stun_engine {
 public:
  static stun_engine& of_this_thread();
  stun_engine(const stun_engine&) = delete;
  stun_engine& operator=(const stun_engine&) = delete;

  /// Attributes behind the first MESSAGE-INTEGRITY are ignored, but for FINGERPRINT (RFC 8489, 14.5). An error answer to a sender who
  /// proved nothing is never longer than what it sent: a forged source address gives no amplification.
  stun_reading read(bytes_view datagram, const udp::endpoint& source, const stun_judge& judge);

 private:
  stun_engine();
  stun_reading judged(bytes_view datagram, std::size_t received, const udp::endpoint& source, const stun_judge& judge);
  bytes_view without_tail(bytes_view datagram, std::size_t integrity_end);
  bytes_view success(const StunMessage& request, const udp::endpoint& source);
  bytes_view error(const StunMessage& request, StunError code);

  StunAgent agent_;
  std::array<std::uint8_t, 1024> answer_;
  std::vector<std::byte> shortened_;
};

}  // namespace agw::ice
