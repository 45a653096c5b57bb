#include "agw/msrp/error.hpp"

#include <string>

namespace agw::msrp {
namespace {

class msrp_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "msrp"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::bad_start_line: return "not an MSRP start line";
      case errc::bad_header: return "malformed or repeated header";
      case errc::bad_path: return "To-Path or From-Path missing or misplaced";
      case errc::bad_uri: return "not an MSRP URI";
      case errc::bad_byte_range: return "malformed Byte-Range";
      case errc::bad_end_line: return "malformed end-line";
      case errc::unexpected_body: return "a response with a body";
      case errc::truncated: return "incomplete chunk";
      case errc::trailing_bytes: return "octets after the end-line";
      case errc::header_too_large: return "headers exceed the limit";
      case errc::chunk_too_large: return "chunk exceeds the peer's max-message-size and cannot be split";
      case errc::unknown_message: return "no such message, or it has failed";
    }
    return "unknown MSRP error";
  }
};

}  // namespace

const boost::system::error_category& category() noexcept {
  static const msrp_category instance;
  return instance;
}

std::string_view reason(boost::system::error_code code) noexcept {
  if (code == errc::header_too_large || code == errc::chunk_too_large) return "too-large";
  return "syntax";
}

}  // namespace agw::msrp
