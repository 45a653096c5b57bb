// What happens when a scope is left, however it is left.
#pragma once

#include <optional>
#include <utility>

namespace agw {

/// Calls `f()`, which must not throw, in its destructor, unless release() came first. Name it, before any statement that awaits:
/// `const scope_guard forget([&] { waiting_ = nullptr; });`
template <class F>
class [[nodiscard]] scope_guard {
 public:
  explicit scope_guard(F f) : f_(std::move(f)) {}
  scope_guard(const scope_guard&) = delete;
  scope_guard& operator=(const scope_guard&) = delete;
  ~scope_guard() {
    if (f_) (*f_)();
  }
  /// The call does not happen.
  void release() noexcept { f_.reset(); }

 private:
  std::optional<F> f_;
};

}  // namespace agw
