#include <agw/h248/link_tpkt.hpp>

#include <agw/h248/error.hpp>

namespace agw::h248 {
namespace {

constexpr char version = 3;

std::size_t octet(char c) noexcept { return static_cast<unsigned char>(c); }

}  // namespace

bool append_tpkt(std::string& out, std::string_view message) {
  if (message.size() > tpkt_max_message_bytes) return false;
  const auto length = message.size() + tpkt_header_bytes;
  out += version;
  out += '\0';
  out += static_cast<char>(length >> 8);
  out += static_cast<char>(length & 0xFF);
  out += message;
  return true;
}

boost::system::result<std::string_view> tpkt_reader::next() {
  for (;;) {
    const auto there = std::string_view(buffer_).substr(read_);
    if (!there.empty() && there[0] != version) return make_error_code(errc::bad_frame);  // the second octet is reserved
    const auto length = there.size() < tpkt_header_bytes ? 0 : octet(there[2]) << 8 | octet(there[3]);
    if (there.size() >= tpkt_header_bytes && length < tpkt_header_bytes) return make_error_code(errc::bad_frame);
    if (there.size() < tpkt_header_bytes || there.size() < length) {
      buffer_.erase(0, read_);
      read_ = 0;
      return std::string_view{};
    }
    read_ += length;
    if (length > tpkt_header_bytes) return there.substr(tpkt_header_bytes, length - tpkt_header_bytes);
  }
}

}  // namespace agw::h248
