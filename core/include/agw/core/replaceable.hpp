// A shared object of which there may be a newer one later: certificates that are read again, for example.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace agw {

/// Holds the current object; any thread may take it or replace it. Who has taken one keeps it.
template <class T>
class replaceable {
 public:
  replaceable() = default;
  replaceable(std::shared_ptr<T> first) : current_(std::move(first)) {}
  /// A copy holds the same object and is replaced by itself.
  replaceable(const replaceable& other) : current_(other.current()) {}
  replaceable& operator=(const replaceable& other) {
    replace(other.current());
    return *this;
  }

  /// Null when there has been none.
  std::shared_ptr<T> current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }
  void replace(std::shared_ptr<T> next) {
    const std::lock_guard lock(mutex_);
    current_.swap(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<T> current_;
};

}  // namespace agw
