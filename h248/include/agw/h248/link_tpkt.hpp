// TPKT (RFC 1006 6), which cuts TCP's stream into messages (H.248.1 D.2): 3, 0, and the length of the whole in two octets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace agw::h248 {

inline constexpr std::size_t tpkt_header_bytes = 4;
inline constexpr std::size_t tpkt_max_message_bytes = 65535 - tpkt_header_bytes;

/// Appends the message with its header. False, and nothing appended: it is too long.
bool append_tpkt(std::string& out, std::string_view message);

/// Finds messages in a stream that comes in pieces. Holds at most one message that is not complete.
class tpkt_reader {
 public:
  /// More of the stream.
  void push(std::string_view octets) { buffer_.append(octets); }
  /// The next complete message (valid until the next push()); empty when more is needed. errc::bad_frame: the stream is no TPKT, and
  /// nothing behind this place can be read. Messages of no length are skipped.
  boost::system::result<std::string_view> next();
  std::size_t buffered_bytes() const noexcept { return buffer_.size() - read_; }

 private:
  std::string buffer_;
  std::size_t read_ = 0;
};

}  // namespace agw::h248
