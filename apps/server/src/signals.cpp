#include "signals.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace agw::server {

namespace {

void nothing(int) {}

sigset_t set_of(std::initializer_list<int> numbers) {
  sigset_t out;
  sigemptyset(&out);
  for (const int n : numbers) sigaddset(&out, n);
  return out;
}

}  // namespace

void hold_signals() {
  while (true) {
    const int fd = ::open("/dev/null", O_RDWR);
    if (fd > 2) ::close(fd);
    if (fd < 0 || fd > 2) break;
  }
  std::signal(SIGPIPE, SIG_IGN);
  // A thread that was there before us may not hold them: there they do nothing.
  for (const int n : {SIGHUP, SIGUSR1, SIGUSR2}) std::signal(n, nothing);
  const auto held = set_of({SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGINT});
  ::pthread_sigmask(SIG_BLOCK, &held, nullptr);
}

signal_sequence::signal_sequence(loop_executor executor, std::initializer_list<int> numbers, int) : signals_(std::move(executor)) {
  const auto set = set_of(numbers);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  signals_.assign(fd);
}

awaitable<int> signal_sequence::next() {
  for (;;) {
    signalfd_siginfo info{};
    const auto got = ::read(signals_.native_handle(), &info, sizeof info);
    if (got == static_cast<ssize_t>(sizeof info)) co_return static_cast<int>(info.ssi_signo);
    co_await signals_.async_wait(asio::posix::stream_descriptor::wait_read, use_awaitable);
  }
}

}  // namespace agw::server
