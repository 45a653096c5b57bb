// A descriptor that is kept for the time when there is none left.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace agw::http {

/// Who needs one releases it, and fills it again when he is done.
class spare_descriptor {
 public:
  spare_descriptor() { fill(); }
  ~spare_descriptor() { release(); }
  spare_descriptor(const spare_descriptor&) = delete;
  spare_descriptor& operator=(const spare_descriptor&) = delete;

  /// False: it is in use already.
  bool release() noexcept {
    if (fd_ < 0) return false;
    ::close(fd_);
    fd_ = -1;
    return true;
  }
  /// Takes one again, if there is one.
  void fill() noexcept {
    if (fd_ < 0) fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

 private:
  int fd_ = -1;
};

}  // namespace agw::http
