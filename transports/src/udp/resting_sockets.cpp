#include "udp/resting_sockets.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <utility>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>

#include "agw/core/scope_guard.hpp"

namespace agw::udp {

namespace {

// To begin to watch a set of sockets costs the kernel a walk through all of them, as much as some turns in vain.
constexpr std::size_t sockets_an_empty_turn = 100;

}  // namespace

resting_sockets& resting_sockets::of(const loop_executor& executor) {
  auto& out = asio::use_service<resting_sockets>(asio::query(executor, asio::execution::context));
  out.prepare(executor);
  return out;
}

void resting_sockets::prepare(const loop_executor& executor) {
  if (set_ >= 0) return;
  watched_.emplace(executor);
  timer_.emplace(executor);
  set_ = ::epoll_create1(EPOLL_CLOEXEC);
}

resting_sockets::~resting_sockets() {
  if (set_ >= 0) ::close(set_);
}

void resting_sockets::shutdown() {
  if (watched_ && watched_->is_open()) watched_->release();
  watched_.reset();
  timer_.reset();
}

bool resting_sockets::add(int fd, resting_place& place) noexcept {
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLET;
  wanted.data.ptr = &place;
  if (::epoll_ctl(set_, EPOLL_CTL_ADD, fd, &wanted) != 0) return false;
  ++count_;
  return true;
}

void resting_sockets::remove(int fd) noexcept {
  ::epoll_ctl(set_, EPOLL_CTL_DEL, fd, nullptr);
  --count_;
}

void resting_sockets::begin_wait() {
  if (waits_++ == 0 && state_ == state::off) step();
}

void resting_sockets::end_wait() noexcept {
  if (--waits_ != 0 || state_ != state::watching || !watched_) return;
  error_code ignored;
  watched_->cancel(ignored);
}

// A watch that was cancelled comes here too: by then there may be others who wait.
void resting_sockets::step() {
  if (waits_ == 0) {
    state_ = state::off;
    return;
  }
  empty_turns_ = harvest() ? 0 : empty_turns_ + 1;
  const bool few = count_ < crowd;
  const bool quiet = empty_turns_ > count_ / sockets_an_empty_turn;
  if ((few || quiet) && watch()) return;
  pause();
}

bool resting_sockets::watch() {
  error_code error;
  watched_->assign(set_, error);
  if (error) return false;
  state_ = state::watching;
  watched_->async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code) {
    watched_->release();
    step();
  });
  return true;
}

void resting_sockets::pause() {
  state_ = state::pausing;
  timer_->expires_after(turn_interval);
  timer_->async_wait([this](error_code) { step(); });
}

bool resting_sockets::harvest() {
  std::array<epoll_event, 256> found;  // what is beyond waits for the next turn
  const int count = ::epoll_wait(set_, found.data(), static_cast<int>(found.size()), 0);
  for (int i = 0; i < count; ++i) static_cast<resting_place*>(found[static_cast<std::size_t>(i)].data.ptr)->came();
  return count > 0;
}

bool resting_place::enter(int fd) noexcept {
  if (!all_.add(fd, *this)) return false;
  fd_ = fd;
  return true;
}

resting_place::~resting_place() {
  if (fd_ >= 0) ::close(leave());
}

void resting_place::came() {
  if (!look_ || look_()) readable_.set();
}

awaitable<void> resting_place::wait() {
  all_.begin_wait();
  const scope_guard ended([&all = all_] { all.end_wait(); });
  co_await readable_.wait();
}

int resting_place::leave() noexcept {
  all_.remove(fd_);
  return std::exchange(fd_, -1);
}

}  // namespace agw::udp
