#include "udp/fragments.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace agw::udp {

namespace {

constexpr int smallest_mtu = 1280;  // RFC 8200, 5: every path carries it

// A socket that refuses works on as it is.
void set(int handle, int level, int option, int value) noexcept { ::setsockopt(handle, level, option, &value, sizeof(value)); }

}  // namespace

void allow_fragments(int handle, bool v6, bool allowed) noexcept {
  if (v6) {
    set(handle, IPPROTO_IPV6, IPV6_MTU_DISCOVER, allowed ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_PROBE);
    set(handle, IPPROTO_IPV6, IPV6_MTU, allowed ? smallest_mtu : 0);
  } else {
    set(handle, IPPROTO_IP, IP_MTU_DISCOVER, allowed ? IP_PMTUDISC_DONT : IP_PMTUDISC_PROBE);
  }
}

}  // namespace agw::udp
