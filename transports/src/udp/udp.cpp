#include "agw/transports/udp.hpp"

#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>

#include "agw/core/metrics.hpp"
#include "agw/core/sockets.hpp"
#include "dscp.hpp"
#include "udp/fragments.hpp"
#include "udp/resting_sockets.hpp"
#include "udp/source_filter.hpp"

namespace agw::udp {

namespace {

// Where all sockets of a thread receive: a message may be a train of up to 64 KiB that GRO put together. The slots are 64 KiB and
// a bit apart, so that their beginnings do not compete for the same cache lines.
class receive_memory {
 public:
  static constexpr std::size_t slots = 32;
  static constexpr std::size_t slot_bytes = 65536;
  static constexpr std::size_t stride = slot_bytes + 192;

  static receive_memory& of_this_thread() {
    thread_local receive_memory memory;
    return memory;
  }

  // Returns what recvmmsg returned.
  int receive(int fd) {
    for (std::size_t i = 0; i < slots; ++i) {
      auto& h = headers_[i].msg_hdr;
      h.msg_namelen = static_cast<socklen_t>(sources_[i].capacity());
      h.msg_controllen = sizeof(control);
      h.msg_flags = 0;
    }
    return ::recvmmsg(fd, headers_.data(), slots, MSG_DONTWAIT, nullptr);
  }

  // The datagrams of the first `messages` slots.
  const std::vector<arrival>& split(int messages) {
    arrivals_.clear();
    for (int i = 0; i < messages; ++i) {
      auto& h = headers_[i];
      sources_[i].resize(h.msg_hdr.msg_namelen);
      const std::span<std::byte> all(slot(i), h.msg_len);
      const auto size = segment_bytes(h.msg_hdr);
      std::size_t at = 0;
      do {
        arrival a;
        a.bytes = all.subspan(at, size == 0 ? all.size() : std::min<std::size_t>(size, all.size() - at));
        a.source = &sources_[i];
        arrivals_.push_back(a);
        at += a.bytes.size();
      } while (at < all.size());
    }
    return arrivals_;
  }

 private:
  struct alignas(cmsghdr) control {
    std::array<char, CMSG_SPACE(sizeof(int))> bytes;
  };

  receive_memory() : bytes_(new std::byte[slots * stride]) {  // not zeroed: pages come as they are used
    for (std::size_t i = 0; i < slots; ++i) {
      vectors_[i].iov_base = slot(i);
      vectors_[i].iov_len = slot_bytes;
      auto& h = headers_[i].msg_hdr;
      h.msg_name = sources_[i].data();
      h.msg_iov = &vectors_[i];
      h.msg_iovlen = 1;
      h.msg_control = &controls_[i];
    }
    arrivals_.reserve(slots * 2);
  }

  std::byte* slot(std::size_t i) noexcept { return bytes_.get() + i * stride; }

  static std::size_t segment_bytes(msghdr& h) noexcept {
    for (auto* c = CMSG_FIRSTHDR(&h); c != nullptr; c = CMSG_NXTHDR(&h, c)) {
      if (c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO) continue;
      int size = 0;
      std::memcpy(&size, CMSG_DATA(c), sizeof(size));
      return size > 0 ? static_cast<std::size_t>(size) : 0;
    }
    return 0;
  }

  std::unique_ptr<std::byte[]> bytes_;
  std::array<mmsghdr, slots> headers_{};
  std::array<iovec, slots> vectors_{};
  std::array<control, slots> controls_{};
  std::array<endpoint, slots> sources_;
  std::vector<arrival> arrivals_;
};

// A batch as messages for sendmmsg: runs of equal size become one message each, which the kernel (or the device) cuts again.
class send_list {
 public:
  static constexpr std::size_t capacity = 64;
  static constexpr std::size_t max_segments = 64;       // UDP_MAX_SEGMENTS
  static constexpr std::size_t max_run_bytes = 65'000;  // below what IPv4 and IPv6 take in one packet

  // Takes datagrams of `batch` from `at` on, until the list is full or the batch ends. Returns the index after the last.
  std::size_t fill(const datagram_batch& batch, std::size_t at, const endpoint& to, bool segmentation) {
    used = 0;
    while (at < batch.size() && used < capacity) {
      const auto first = batch[at];
      std::size_t count = 1;
      std::size_t bytes = first.size();
      if (segmentation && !first.empty()) {
        while (at + count < batch.size() && count < max_segments) {
          const auto next = batch[at + count];
          if (next.empty() || next.size() > first.size() || next.data() != first.data() + bytes) break;
          if (bytes + next.size() > max_run_bytes) break;
          bytes += next.size();
          ++count;
          if (next.size() < first.size()) break;  // only the last of a run may be shorter
        }
      }
      set(used++, first.data(), bytes, count, first.size(), to);
      at += count;
    }
    return at;
  }

  std::array<mmsghdr, capacity> headers;
  std::array<std::size_t, capacity> counts;  // datagrams in each message
  std::size_t used = 0;

 private:
  struct alignas(cmsghdr) control {
    std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
  };

  void set(std::size_t i, const std::byte* data, std::size_t bytes, std::size_t count, std::size_t segment, const endpoint& to) {
    vectors_[i].iov_base = const_cast<std::byte*>(data);
    vectors_[i].iov_len = bytes;
    counts[i] = count;
    headers[i].msg_len = 0;
    auto& h = headers[i].msg_hdr;
    h.msg_name = const_cast<sockaddr*>(to.data());
    h.msg_namelen = static_cast<socklen_t>(to.size());
    h.msg_iov = &vectors_[i];
    h.msg_iovlen = 1;
    h.msg_flags = 0;
    h.msg_control = nullptr;
    h.msg_controllen = 0;
    if (count == 1) return;
    h.msg_control = &controls_[i];
    h.msg_controllen = sizeof(control);
    auto* c = CMSG_FIRSTHDR(&h);
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto size = static_cast<std::uint16_t>(segment);
    std::memcpy(CMSG_DATA(c), &size, sizeof(size));
  }

  std::array<iovec, capacity> vectors_;
  std::array<control, capacity> controls_;
};

// A refused run may be the fault of UDP_SEGMENT (no checksum offload, segments above the route's MTU): worth a try without.
bool blames_segmentation(int error) noexcept {
  return error == EIO || error == EINVAL || error == EOPNOTSUPP || error == ENOPROTOOPT || error == EMSGSIZE;
}

}  // namespace

socket::socket(udp_socket s, port_lease lease) noexcept
    : lease_(std::move(lease)), socket_(std::move(s)), local_(socket_.local_endpoint()) {}

socket::~socket() = default;
socket::socket(socket&&) noexcept = default;
socket& socket::operator=(socket&&) noexcept = default;

int socket::fd() const noexcept { return resting_ ? resting_->fd() : const_cast<udp_socket&>(socket_).native_handle(); }

result<socket> socket::open(loop_executor executor, const asio::ip::address& address, port_pool& ports,
                            const socket_config& config) {
  udp_socket s(executor);
  error_code error;
  auto bind = [&](std::uint16_t port) {
    const endpoint local(address, port);
    s.close(error);
    s.open(local.protocol(), error);
    if (!error && address.is_v6()) s.set_option(asio::ip::v6_only(true), error);
    if (!error) s.bind(local, error);
    return error;
  };
  auto lease = ports.bind(port_protocol::udp, bind);
  if (!lease) return lease.error();
  s.native_non_blocking(true, error);
  if (error) return error;
  const auto fd = s.native_handle();
  // Without these options the socket is slower, not wrong: the FORCE forms need a privilege, GRO a kernel since 5.0.
  const auto size_buffer = [fd](int force, int plain, int bytes) {
    if (::setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof(bytes)) == 0) return;
    ::setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
  };
  size_buffer(SO_RCVBUFFORCE, SO_RCVBUF, config.receive_buffer_bytes);
  size_buffer(SO_SNDBUFFORCE, SO_SNDBUF, config.send_buffer_bytes);
  const int on = 1;
  ::setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on));
  return socket(std::move(s), std::move(*lease));
}

std::span<const arrival> socket::receive() {
  if (std::exchange(drained_, false)) return {};
  auto& memory = receive_memory::of_this_thread();
  int messages = -1;
  do {
    messages = memory.receive(fd());
  } while (messages < 0 && errno == EINTR);
  if (messages < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) count_drop("udp", "receive-error");
    return {};
  }
  drained_ = messages < static_cast<int>(receive_memory::slots);
  const auto& arrivals = memory.split(messages);
  for (const auto& a : arrivals) traffic_.bytes_in += a.bytes.size();
  traffic_.datagrams_in += arrivals.size();
  return arrivals;
}

awaitable<void> socket::wait_readable() {
  drained_ = false;
  if (std::exchange(woken_, false)) co_return;
  if (resting_) {
    co_await resting_->wait();
    woken_ = false;
    co_return;
  }
  error_code error;
  auto token = asio::redirect_error(use_awaitable, error);
  co_await socket_.async_wait(udp_socket::wait_read, token);
  const bool woken = std::exchange(woken_, false);
  if (error && !(woken && error == asio::error::operation_aborted)) throw system_error(error);
}

void socket::wake() {
  woken_ = true;
  if (resting_) return resting_->wake();
  error_code ignored;
  socket_.cancel(ignored);
}

void socket::rest(std::function<bool()> look) {
  if (resting_) return;
  auto place = std::make_unique<resting_place>(socket_.get_executor(), std::move(look));
  error_code error;
  const int released = socket_.release(error);
  if (error) return;
  if (place->enter(released)) resting_ = std::move(place);
  else hold(released);
}

void socket::stir() {
  if (!resting_) return;
  const int left = resting_->leave();
  resting_.reset();
  hold(left);
}

// It was just there: a failure means that the system's memory is gone.
void socket::hold(int descriptor) {
  error_code error;
  socket_.assign(local_.protocol(), descriptor, error);
  if (!error) return;
  ::close(descriptor);
  throw system_error(error);
}

void socket::admit(std::span<const endpoint> sources) noexcept {
  auto program = stun_or_sources(sources);
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(program.size());
  filter.filter = program.data();
  ::setsockopt(fd(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

void socket::admit_all() noexcept {
  const int unused = 0;
  ::setsockopt(fd(), SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

std::uint32_t socket::kernel_drops() const noexcept {
  constexpr std::size_t drops = 8;  // SK_MEMINFO_DROPS of linux/sock_diag.h
  std::array<std::uint32_t, drops + 1> memory{};
  socklen_t size = sizeof(memory);
  return ::getsockopt(fd(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) == 0 ? memory[drops] : 0;
}

void socket::dropped(int error, std::size_t how_many) {
  switch (error) {
    case EAGAIN:
    case ENOBUFS: return count_drop("udp", "send-buffer", how_many);
    case EMSGSIZE: return count_drop("udp", "too-large", how_many);
    default: return count_drop("udp", "unreachable", how_many);
  }
}

void socket::send(const datagram_batch& batch, const endpoint& to) {
  if (batch.size() == 1) return send(batch[0], to);
  send_list list;
  std::size_t at = 0;
  while (at < batch.size()) {
    const auto begin = at;
    at = list.fill(batch, at, to, segmentation_);
    std::size_t next = 0;       // message of the list
    std::size_t index = begin;  // its first datagram in the batch
    while (next < list.used) {
      const auto left = static_cast<unsigned>(list.used - next);
      const int sent = ::sendmmsg(fd(), list.headers.data() + next, left, MSG_DONTWAIT);
      for (int i = 0; i < sent; ++i, ++next) {
        traffic_.bytes_out += list.headers[next].msg_hdr.msg_iov->iov_len;
        traffic_.datagrams_out += list.counts[next];
        index += list.counts[next];
      }
      if (sent >= 0) continue;
      const int error = errno;
      if (error == EINTR) continue;
      if (error == EAGAIN || error == ENOBUFS) return dropped(error, batch.size() - index);
      const auto count = list.counts[next];
      if (count > 1 && blames_segmentation(error)) {
        if (error != EMSGSIZE) segmentation_ = false;
        for (std::size_t i = 0; i < count; ++i) send(batch[index + i], to);
      } else {
        dropped(error, count);
      }
      index += count;
      ++next;
    }
  }
}

void socket::send(bytes_view datagram, const endpoint& to) {
  const auto to_bytes = static_cast<socklen_t>(to.size());
  ssize_t sent = -1;
  do {
    sent = ::sendto(fd(), datagram.data(), datagram.size(), MSG_DONTWAIT, to.data(), to_bytes);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return dropped(errno, 1);
  ++traffic_.datagrams_out;
  traffic_.bytes_out += datagram.size();
}

void socket::allow_fragments(bool allowed) noexcept { udp::allow_fragments(fd(), local_.address().is_v6(), allowed); }

bool socket::set_dscp(unsigned dscp) noexcept { return agw::set_dscp(fd(), local_.address().is_v6(), dscp); }

}  // namespace agw::udp
