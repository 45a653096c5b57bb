// A socket filter (classic BPF) that lets the kernel drop what nobody here would look at.
#pragma once

#include <span>
#include <vector>

#include <linux/filter.h>

#include "agw/transports/udp.hpp"

namespace agw::udp {

/// Accepts STUN (a first octet of 0 to 3, and the magic cookie) from everywhere, and anything from `sources`, of which there are at most 16,
/// all of one family.
std::vector<sock_filter> stun_or_sources(std::span<const endpoint> sources);

}  // namespace agw::udp
