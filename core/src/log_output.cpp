#include "log_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "agw/core/scope_guard.hpp"

namespace agw::log {

namespace {

constexpr std::int64_t for_ever = std::numeric_limits<std::int64_t>::max();
// A pipe that poll() calls writable takes that much without blocking.
constexpr std::size_t piece_bytes = 4096;

// Real time: the log's thread waits for the world, in tests with a manual clock as well.
std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

int open_file(const std::string& path) { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640); }

int connect_datagrams(const std::string& path) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path.size() >= sizeof to.sun_path) return errno = ENAMETOOLONG, -1;
  std::memcpy(to.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  const int why = errno;
  ::close(fd);
  return errno = why, -1;
}

}  // namespace

log_output::log_output(int fd) : fd_(fd), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), until_ns_(for_ever) {}

log_output::log_output(std::string file)
    : fd_(open_file(file)), owned_(true), error_(fd_ < 0 ? errno : 0), file_(std::move(file)), until_ns_(for_ever) {
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

log_output::log_output(datagrams to)
    : fd_(connect_datagrams(to.path)), owned_(true), error_(fd_ < 0 ? errno : 0), socket_(std::move(to.path)), until_ns_(for_ever) {
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

log_output::~log_output() {
  if (owned_ && fd_ >= 0) ::close(fd_);
  if (wake_ >= 0) ::close(wake_);
}

bool log_output::writable() {
  for (;;) {
    const auto until = until_ns_.load();
    const bool ending = until != for_ever;
    const auto left_ms = ending ? std::max<std::int64_t>((until - now_ns()) / 1'000'000, 0) : -1;
    pollfd fds[2] = {{fd_, POLLOUT, 0}, {wake_, POLLIN, 0}};
    const int n = ::poll(fds, ending ? 1 : 2, static_cast<int>(std::min<std::int64_t>(left_ms, 60'000)));
    if (n < 0 && errno != EINTR) return true;  // write() says what is wrong
    if (n > 0 && fds[0].revents != 0) return true;
    if (ending && left_ms == 0) return false;
  }
}

bool log_output::write(std::string_view line) {
  since_ns_ = now_ns();
  const scope_guard taken([this] { since_ns_ = 0; });
  return socket_.empty() ? write_stream(line) : write_datagram(line);
}

bool log_output::write_datagram(std::string_view line) {
  for (bool connected_anew = false;;) {
    if (!writable()) return error_ = EAGAIN, false;
    if (::send(fd_, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
    error_ = errno;
    if (error_ == EINTR || error_ == EAGAIN) continue;
    // Who has received them was started again.
    const bool gone = error_ == ECONNREFUSED || error_ == ENOTCONN || error_ == ECONNRESET;
    const int anew = gone && !std::exchange(connected_anew, true) ? connect_datagrams(socket_) : -1;
    if (anew < 0) return false;
    ::close(fd_);
    fd_ = anew;
  }
}

bool log_output::write_stream(std::string_view line) {
  bool done = true;
  std::string mended;
  if (broken_line_) {
    mended.append("\n").append(line);
    line = mended;
  }
  std::size_t written = 0;
  while (written < line.size()) {
    if (!writable()) {
      error_ = EAGAIN;
      done = false;
      break;
    }
    const auto n = ::write(fd_, line.data() + written, std::min(line.size() - written, piece_bytes));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) {
      error_ = n < 0 ? errno : EIO;
      done = false;
      break;
    }
    written += static_cast<std::size_t>(n);
  }
  if (written > 0) broken_line_ = !done;
  return done;
}

void log_output::end(clock::duration patience) noexcept {
  until_ns_ = now_ns() + patience / std::chrono::nanoseconds(1);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_, &one, sizeof one);
}

clock::duration log_output::waits_for() const noexcept {
  const auto since = since_ns_.load();
  return since == 0 ? clock::duration{} : std::chrono::nanoseconds(std::max<std::int64_t>(now_ns() - since, 1));
}

std::optional<std::string> log_output::reopen_if_asked() {
  if (!reopen_.exchange(false) || file_.empty()) return std::nullopt;
  const int anew = open_file(file_);
  if (anew < 0) return file_ + " cannot be opened anew: " + std::strerror(errno);
  ::close(fd_);
  fd_ = anew;
  broken_line_ = false;
  return std::nullopt;
}

}  // namespace agw::log
