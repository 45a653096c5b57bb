// H.248's StreamMode.
#pragma once

#include <cstdint>

namespace agw {

/// H.248.1, 7.1.7, as seen from the gateway: receive_only takes user data from the outside and sends none there. No data passes a stream in
/// loopback mode here: agw refuses it.
enum class stream_mode : std::uint8_t { send_only, receive_only, send_receive, inactive, loopback };
constexpr bool receives(stream_mode m) noexcept { return m == stream_mode::receive_only || m == stream_mode::send_receive; }
constexpr bool sends(stream_mode m) noexcept { return m == stream_mode::send_only || m == stream_mode::send_receive; }

}  // namespace agw
