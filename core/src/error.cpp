#include "agw/core/error.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

namespace agw {

namespace {

class core_category_type final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "agw.core"; }
  std::string message(int value) const override {
    switch (static_cast<core_error>(value)) {
      case core_error::timed_out: return "timed out";
      case core_error::closed: return "closed";
      case core_error::limit_reached: return "limit reached";
    }
    return "unknown error";
  }
};

}  // namespace

const boost::system::error_category& core_category() noexcept {
  static const core_category_type category;
  return category;
}

stage_error::stage_error(std::string_view stage, std::string_view reason, boost::system::error_code code, std::string detail)
    : stage_(stage), reason_(reason), code_(code), detail_(std::move(detail)), what_(cause()) {
  if (code_) what_.append(" (").append(code_.message()).append(")");
  if (!detail_.empty()) what_.append(": ").append(detail_);
}

bool is_cancellation(const std::exception_ptr& e) noexcept {
  if (!e) return false;
  try {
    std::rethrow_exception(e);
  } catch (const boost::system::system_error& s) {
    return s.code() == boost::asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

std::string describe(const std::exception_ptr& e) {
  if (!e) return "no error";
  try {
    std::rethrow_exception(e);
  } catch (const boost::system::system_error& s) {
    return s.code().message();  // what() has the place in Boost's sources too
  } catch (const std::exception& x) {
    return x.what();
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace agw
