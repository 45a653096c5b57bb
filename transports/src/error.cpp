#include "agw/transports/error.hpp"

#include <string>

namespace agw {

namespace {

class transport_category_type final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "agw.transports"; }
  std::string message(int value) const override {
    switch (static_cast<transport_error>(value)) {
      case transport_error::no_port: return "no port of the configured range is free";
      case transport_error::bad_candidate: return "malformed candidate";
      case transport_error::bad_credentials: return "malformed ICE credentials";
      case transport_error::no_remote_address: return "the remote address is not known";
      case transport_error::ice_library: return "libnice refused";
      case transport_error::consent_lost: return "no valid check for too long";
      case transport_error::certificate: return "certificate not accepted";
      case transport_error::truncated: return "stream ended without close_notify";
    }
    return "unknown error";
  }
};

}  // namespace

const boost::system::error_category& transport_category() noexcept {
  static const transport_category_type category;
  return category;
}

}  // namespace agw
