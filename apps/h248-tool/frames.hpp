// The frames of a capture file, as they stand in it.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "bytes.hpp"

namespace agw::h248_tool {

struct frame {
  std::int64_t time_us = 0;  // since the epoch
  std::uint32_t link_type = 1;
  bytes data;
  bool cut = false;  // the capture holds less than was on the wire
};

// Calls `each` for every frame of a pcap or pcapng file, in its order. Throws std::runtime_error if it is neither.
void for_each_frame(std::string_view file, const std::function<void(const frame&)>& each);

}  // namespace agw::h248_tool
