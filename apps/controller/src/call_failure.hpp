// Why a call cannot go on, in the words of websocket.md's `error`.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

namespace agw::controller {

class call_failure : public std::runtime_error {
 public:
  call_failure(std::string code, const std::string& text, std::optional<unsigned> h248 = {})
      : std::runtime_error(text), code_(std::move(code)), h248_(h248) {}
  const std::string& code() const noexcept { return code_; }
  /// The number of the error descriptor.
  const std::optional<unsigned>& h248() const noexcept { return h248_; }

 private:
  std::string code_;
  std::optional<unsigned> h248_;
};

}  // namespace agw::controller
