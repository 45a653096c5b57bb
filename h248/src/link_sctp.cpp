#include <agw/h248/link_sctp.hpp>

#include <cerrno>
#include <cstring>
#include <deque>

#include <arpa/inet.h>
#include <linux/sctp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/basic_endpoint.hpp>

#include "connection_link.hpp"

namespace agw::h248 {

// Asio knows no SCTP: a one-to-one socket of it (RFC 6458, 4) is a stream socket of another protocol.
class kernel_sctp {
 public:
  using endpoint = asio::ip::basic_endpoint<kernel_sctp>;
  using socket = asio::basic_stream_socket<kernel_sctp, loop_executor>;

  static kernel_sctp v4() noexcept { return kernel_sctp(AF_INET); }
  static kernel_sctp v6() noexcept { return kernel_sctp(AF_INET6); }
  int type() const noexcept { return SOCK_STREAM; }
  int protocol() const noexcept { return IPPROTO_SCTP; }
  int family() const noexcept { return family_; }

 private:
  explicit kernel_sctp(int family) noexcept : family_(family) {}
  int family_;
};

namespace {

constexpr std::uint32_t payload_protocol = 7;  // H.248, text and binary
constexpr std::size_t read_bytes = 65536;

error_code last_error() { return error_code(errno, boost::system::system_category()); }
bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

template <class T>
error_code set(int handle, int option, const T& value) {
  return ::setsockopt(handle, IPPROTO_SCTP, option, &value, sizeof value) == 0 ? error_code() : last_error();
}

}  // namespace

// Named, since coroutines of a template are made of it.
class sctp_carrier {
 public:
  using protocol = kernel_sctp;
  using config_type = kernel_sctp_config;
  static constexpr transport via = transport::sctp;

  explicit sctp_carrier(const kernel_sctp_config& config) : config_(config) {}

  std::size_t max_message_bytes() const noexcept { return config_.max_message_bytes; }

  // Associations of a listener inherit all of it.
  error_code prepare(int handle) const {
    const int on = 1;
    if (const auto ec = set(handle, SCTP_RECVRCVINFO, on)) return ec;
    if (const auto ec = set(handle, SCTP_NODELAY, on)) return ec;
    sctp_paddrparams path{};
    path.spp_flags = SPP_HB_ENABLE;
    path.spp_hbinterval = static_cast<std::uint32_t>(config_.heartbeat.count());
    path.spp_pathmaxrxt = static_cast<std::uint16_t>(config_.max_retransmissions);
    if (const auto ec = set(handle, SCTP_PEER_ADDR_PARAMS, path)) return ec;
    // The system's longest wait is a minute: a peer that is gone would be noticed after many.
    sctp_rtoinfo waits{};
    waits.srto_initial = static_cast<std::uint32_t>(config_.first_timeout.count());
    waits.srto_max = static_cast<std::uint32_t>(config_.longest_timeout.count());
    if (const auto ec = set(handle, SCTP_RTOINFO, waits)) return ec;
    sctp_assocparams association{};
    association.sasoc_asocmaxrxt = path.spp_pathmaxrxt;
    if (const auto ec = set(handle, SCTP_ASSOCINFO, association)) return ec;
    // A message must fit the system's buffer whole.
    const int room = static_cast<int>(4 * config_.max_message_bytes);
    ::setsockopt(handle, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    return {};
  }
  static void settle(kernel_sctp::socket& socket) {
    error_code ignored;
    socket.non_blocking(true, ignored);
  }

  class queue {
   public:
    bool push(std::string_view text) {
      messages_.emplace_back(text);
      bytes_ += text.size();
      return true;
    }
    void pop() {
      bytes_ -= messages_.front().size();
      messages_.pop_front();
    }
    const std::string* front() const noexcept { return messages_.empty() ? nullptr : &messages_.front(); }
    std::size_t bytes() const noexcept { return bytes_; }

   private:
    std::deque<std::string> messages_;
    std::size_t bytes_ = 0;
  };

  template <class F>
  awaitable<void> read(kernel_sctp::socket& socket, F deliver) {
    std::string buffer(read_bytes, '\0');
    std::string message;  // what there is of it; a user message may come in pieces
    bool too_long = false;
    for (;;) {
      const auto [size, ppid, complete] = receive(socket.native_handle(), buffer);
      if (size == 0) {
        co_await socket.async_wait(kernel_sctp::socket::wait_read, use_awaitable);
        continue;
      }
      too_long = too_long || message.size() + size > config_.max_message_bytes;
      if (!too_long) message.append(buffer, 0, size);
      if (!complete) continue;
      if (too_long) {
        count_drop("h248", "size");
      } else if (ppid != payload_protocol) {
        count_drop("h248", "ppid");
      } else {
        auto whole = std::exchange(message, {});
        co_await deliver(std::move(whole));
      }
      message.clear();
      too_long = false;
    }
  }

  awaitable<void> write(kernel_sctp::socket& socket, queue& waiting) {
    while (const auto* message = waiting.front()) {
      if (transmit(socket.native_handle(), *message)) {
        waiting.pop();
      } else {
        co_await socket.async_wait(kernel_sctp::socket::wait_write, use_awaitable);
      }
    }
  }

 private:
  struct received {
    std::size_t size = 0;  // 0: nothing there now
    std::uint32_t ppid = 0;
    bool complete = false;
  };

  // Throws when the association has ended.
  static received receive(int handle, std::string& buffer) {
    iovec into{buffer.data(), buffer.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(sctp_rcvinfo))];
    msghdr header{};
    header.msg_iov = &into;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const auto size = ::recvmsg(handle, &header, MSG_DONTWAIT);
    if (size < 0 && would_block(errno)) return {};
    if (size < 0) throw system_error(last_error());
    if (size == 0) throw system_error(asio::error::eof);
    received out;
    out.size = static_cast<std::size_t>(size);
    out.complete = (header.msg_flags & MSG_EOR) != 0;
    for (auto* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_level != IPPROTO_SCTP || c->cmsg_type != SCTP_RCVINFO) continue;
      sctp_rcvinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      out.ppid = ntohl(info.rcv_ppid);
    }
    return out;
  }

  // False: the system takes no more now.
  static bool transmit(int handle, const std::string& message) {
    sctp_sndinfo info{};
    info.snd_ppid = htonl(payload_protocol);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof info)] = {};
    iovec from{const_cast<char*>(message.data()), message.size()};
    msghdr header{};
    header.msg_iov = &from;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    auto* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = IPPROTO_SCTP;
    c->cmsg_type = SCTP_SNDINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
    if (::sendmsg(handle, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
    if (would_block(errno)) return false;
    throw system_error(last_error());
  }

  const kernel_sctp_config& config_;
};

result<std::unique_ptr<message_link>> open_kernel_sctp_link(loop_executor executor, const peer_address& local,
                                                            kernel_sctp_config config) {
  return open_connection_link<sctp_carrier>(std::move(executor), local, config);
}

}  // namespace agw::h248
