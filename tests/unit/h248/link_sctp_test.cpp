// H.248 over the kernel's SCTP. The machines that build agw have none: the tests with the tag run in a user-mode kernel that does
// (tests/interop/kernel-sctp).
#include <catch2/catch.hpp>

#include <cstring>
#include <utility>

#include <linux/sctp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <agw/core/metrics.hpp>
#include <agw/h248/link_sctp.hpp>

#include "connections.hpp"

using namespace agw;
using namespace agw::h248;
using namespace agw::h248::test;

namespace {

std::unique_ptr<message_link> open(loop_executor executor, const kernel_sctp_config& config, std::uint16_t port = 0) {
  auto link = open_kernel_sctp_link(executor, {transport::sctp, loopback, port}, config);
  INFO((link ? std::string() : link.error().message()));
  REQUIRE(link.has_value());
  return std::move(*link);
}

kernel_sctp_config listening() { return server<kernel_sctp_config>(); }
kernel_sctp_config dialling() { return client<kernel_sctp_config>(); }

/// A peer that speaks SCTP by itself.
class raw_peer {
 public:
  explicit raw_peer(std::uint16_t port, const char* from = "127.0.0.1") : handle_(::socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP)) {
    REQUIRE(handle_ >= 0);
    auto at = address(from, 0);
    REQUIRE(::bind(handle_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    auto to = address("127.0.0.1", port);
    connected_ = ::connect(handle_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  raw_peer(const raw_peer&) = delete;
  ~raw_peer() { abort(); }

  bool connected() const { return connected_; }
  void send(std::string_view text, std::uint32_t ppid) {
    sctp_sndinfo info{};
    info.snd_ppid = htonl(ppid);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof info)] = {};
    iovec from{const_cast<char*>(text.data()), text.size()};
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
    REQUIRE(::sendmsg(handle_, &header, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  /// ABORT instead of an orderly end.
  void abort() {
    if (handle_ < 0) return;
    const linger now{1, 0};
    ::setsockopt(handle_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(std::exchange(handle_, -1));
  }

 private:
  static sockaddr_in address(const char* host, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(asio::ip::make_address_v4(host).to_uint());
    return out;
  }
  int handle_;
  bool connected_ = false;
};

/// Runs `body` beside a link whose messages and states are kept.
struct watched {
  std::vector<std::string> messages;
  std::vector<bool> states;
  event changed;

  awaitable<void> until_there(std::size_t count, std::size_t ups_and_downs) {
    while (messages.size() < count || states.size() < ups_and_downs) co_await changed.wait();
  }
};
template <class F>
awaitable<void> beside(message_link& link, watched& seen, F body) {
  auto all = [&](task_group& group) -> awaitable<void> {
    group.spawn("link", [&]() -> awaitable<void> {
      message_link::receiver on_message = [&](const peer_address&, std::string text) {
        seen.messages.push_back(std::move(text));
        seen.changed.set();
      };
      message_link::state_observer on_state = [&](const peer_address&, bool up) {
        seen.states.push_back(up);
        seen.changed.set();
      };
      co_await link.run(std::move(on_message), std::move(on_state));
    });
    auto limited = body();
    co_await until(deadline_after(std::chrono::seconds(60)), std::move(limited));
  };
  co_await with_tasks("test", std::move(all));
}

}  // namespace

TEST_CASE("a kernel without SCTP is found out when the link is opened") {
  const int probe = ::socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
  if (probe >= 0) ::close(probe);
  asio::io_context loop;
  for (const auto& config : {listening(), dialling()}) {
    const auto link = open_kernel_sctp_link(loop.get_executor(), {transport::sctp, loopback, 0}, config);
    REQUIRE(link.has_value() == (probe >= 0));
    if (!link) REQUIRE(link.error() == boost::system::errc::protocol_not_supported);
  }
}

TEST_CASE("requests go both ways over the association that one side dialled", "[.kernel-sctp]") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto mgc = over(executor, "mgc", open(executor, listening()));
    auto mg = over(executor, "mg", open(executor, dialling()));
    co_await requests_go_both_ways(*mg, *mgc, transport::sctp);
  });
}

TEST_CASE("messages of every length up to the longest keep their bounds and their order", "[.kernel-sctp]") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto far = open(executor, listening());
    auto near = open(executor, dialling());
    watched there, here;
    auto exchange = [&]() -> awaitable<void> {
      std::vector<std::string> sent;
      for (const std::size_t size : {1u, 1400u, 1452u, 20'000u, 65'535u, 3u, 65'535u}) {
        sent.emplace_back(size, static_cast<char>('a' + sent.size()));
        near->send(far->local(), sent.back());
      }
      const auto too_long = drops("h248", "too-long");
      near->send(far->local(), std::string(65'536, 'x'));
      REQUIRE(drops("h248", "too-long") == too_long + 1);
      co_await there.until_there(sent.size(), 1);
      REQUIRE(there.messages == sent);
    };
    auto with_near = [&]() -> awaitable<void> { co_await beside(*near, here, exchange); };
    co_await beside(*far, there, with_near);
    REQUIRE(there.states.front());
  });
}

TEST_CASE("an association that is aborted is gone, and a stranger's is not taken", "[.kernel-sctp]") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto link = open(executor, listening());
    link->set_filter([](const peer_address& peer) { return peer.host == loopback; });
    watched seen;
    auto body = [&]() -> awaitable<void> {
      const auto foreign = drops("h248", "ppid"), refused = drops("h248", "refused-peer");
      raw_peer peer(link->local().port);
      REQUIRE(peer.connected());
      peer.send("of another protocol", 46);
      peer.send("!/1 mg K{1}", 7);
      co_await seen.until_there(1, 1);
      REQUIRE(seen.messages == std::vector<std::string>{"!/1 mg K{1}"});
      REQUIRE(drops("h248", "ppid") == foreign + 1);
      peer.abort();
      co_await seen.until_there(1, 2);
      REQUIRE(seen.states == std::vector<bool>{true, false});
      // Nobody is there to be reached, and this side does not dial.
      const auto lost = drops("h248", "no-connection");
      link->send({transport::sctp, loopback, 1}, "x");
      REQUIRE(drops("h248", "no-connection") == lost + 1);
      raw_peer stranger(link->local().port, "127.0.0.2");
      while (drops("h248", "refused-peer") == refused) co_await sleep_until(deadline_after(std::chrono::milliseconds(1)));
      REQUIRE(seen.states.size() == 2);
    };
    co_await beside(*link, seen, body);
  });
}

TEST_CASE("an MGC that is not there yet is dialled again", "[.kernel-sctp]") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    std::uint16_t port = 0;
    {
      const auto first = open(executor, listening());
      port = first->local().port;
    }
    auto config = dialling();
    config.first_redial = config.longest_redial = std::chrono::milliseconds(20);
    auto mg = over(executor, "mg", open(executor, config));
    std::unique_ptr<endpoint> mgc;
    std::optional<result<incoming_reply>> reply;
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mg", [&]() -> awaitable<void> { co_await mg->run(); });
      event refused;
      mg->on_peer([&](const peer_address&, peer_event what) {
        if (what == peer_event::disconnected) refused.set();
      });
      group.spawn("mgc", [&]() -> awaitable<void> {
        co_await refused.wait();
        mgc = over(executor, "mgc", open(executor, listening(), port));
        co_await mgc->run();
      });
      auto actions = modify();
      reply.emplace(co_await mg->request({transport::sctp, loopback, port}, std::move(actions)));
    };
    co_await with_tasks("test", std::move(body));
    REQUIRE(reply->has_value());
  });
}
