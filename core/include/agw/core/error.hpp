// Errors of the task tree: what a stage throws when it fails, and core's own error category.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <type_traits>

#include <boost/system/error_code.hpp>

namespace agw {

/// Errors of core itself.
enum class core_error {
  timed_out = 1,   ///< a deadline passed
  closed,          ///< the pipe, channel or group was closed
  limit_reached,   ///< a configured bound would be exceeded
};
const boost::system::error_category& core_category() noexcept;
inline boost::system::error_code make_error_code(core_error e) noexcept { return {static_cast<int>(e), core_category()}; }

/// The one exception that a failed stage throws inside the tree. `stage()` and `reason()` are the words of the failure vocabulary
/// (`ice:timeout`, `dtls:fingerprint`, `tcp:refused` …); they label the metric and reach the controller as `Cause`.
class stage_error : public std::exception {
 public:
  /// `stage` and `reason` must be string literals (or otherwise outlive every error): they come from a closed vocabulary.
  stage_error(std::string_view stage, std::string_view reason, boost::system::error_code code = {}, std::string detail = {});

  std::string_view stage() const noexcept { return stage_; }
  std::string_view reason() const noexcept { return reason_; }
  boost::system::error_code code() const noexcept { return code_; }
  /// For the log: what exactly was seen. May be empty.
  const std::string& detail() const noexcept { return detail_; }
  /// "<stage>:<reason>".
  std::string cause() const { return std::string(stage_).append(":").append(reason_); }
  const char* what() const noexcept override { return what_.c_str(); }

  /// A failure is counted, logged and notified once; the code that does so marks the error before rethrowing it.
  bool reported() const noexcept { return reported_; }
  void mark_reported() noexcept { reported_ = true; }

 private:
  std::string_view stage_;
  std::string_view reason_;
  boost::system::error_code code_;
  std::string detail_;
  std::string what_;
  bool reported_ = false;
};

/// True when `e` says "cancelled" (asio's operation_aborted), the way every cancelled coroutine ends.
bool is_cancellation(const std::exception_ptr& e) noexcept;
/// One line for a log, whatever `e` holds.
std::string describe(const std::exception_ptr& e);

}  // namespace agw

template <>
struct boost::system::is_error_code_enum<agw::core_error> : std::true_type {};
