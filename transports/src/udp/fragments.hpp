// Fragments of large datagrams, for sockets of our own and libnice's.
#pragma once

namespace agw::udp {

/// See socket::allow_fragments().
void allow_fragments(int handle, bool v6, bool allowed) noexcept;

}  // namespace agw::udp
