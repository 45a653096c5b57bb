// The DSCP of what a socket sends.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

namespace agw {

/// `dscp`: its six bits. False when there are more, or the system refuses.
inline bool set_dscp(int handle, bool v6, unsigned dscp) noexcept {
  if (dscp > 63) return false;
  const int value = static_cast<int>(dscp << 2);
  return ::setsockopt(handle, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &value, sizeof(value)) == 0;
}

}  // namespace agw
