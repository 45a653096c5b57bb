#include <agw/h248/error.hpp>

#include <string>

namespace agw::h248 {
namespace {

class h248_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "agw.h248"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::timed_out: return "no reply";
      case errc::too_many_pendings: return "too many TransactionPendings";
      case errc::too_long: return "too long for one message";
      case errc::too_many_requests: return "too many unanswered requests";
      case errc::no_link: return "no link of this transport";
      case errc::disconnected: return "no connection to the peer";
      case errc::bad_address: return "not an address that can be resolved";
      case errc::bad_mid: return "not a message identifier";
      case errc::bad_frame: return "not a TPKT frame";
      case errc::refused: return "no controller accepted the registration";
      case errc::stopped: return "the endpoint does not run";
      case errc::segments_missing: return "segments of the reply are missing";
    }
    return "unknown error";
  }
};

}  // namespace

const boost::system::error_category& category() noexcept {
  static const h248_category instance;
  return instance;
}

}  // namespace agw::h248
