#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/write.hpp>

#include "agw/core/metrics.hpp"
#include "agw/core/sockets.hpp"
#include "call.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

using kind = gateway_event::kind;

}  // namespace

TEST_CASE("interlinked: a held TCP connection is dialled when the channel is up") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    wic browser(r);
    auto listens = listening(r);
    auto held = bearer_change(setup_role::active, listens.local_endpoint().port());
    held.waits_for_order.emplace(layer::tcp, true);
    held.settings.emplace();
    held.settings->interlinked = true;
    auto core_wanted = with_stream(core_side, s2, held);
    const auto core_answer = co_await gateway.apply(std::move(core_wanted));
    REQUIRE(core_answer.has_value());
    auto wanted = browser.call({4});
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    const auto port = association_of(*answer).port;
    auto inside = [&](task_group& tasks) -> awaitable<void> {
      CHECK_FALSE(r.saw("tcp", kind::established));
      co_await browser.establish(tasks, port);
      auto channel = co_await browser.association->open_channel(4, "", "msrp");
      co_await r.event_of("tcp", kind::established);
      CHECK(r.saw("channel", kind::established));
      channel.reset();
      browser.association.reset();
    };
    co_await with_tasks("wic", inside);
  });
}

TEST_CASE("an association cannot be interlinked: it has no other end") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    wic browser(r);
    auto wanted = browser.call({4});
    wanted.streams.at(s1).settings.emplace();
    wanted.streams.at(s1).settings->interlinked = true;
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().reason == refusal_reason::interlinkage);
  });
}

TEST_CASE("the code point is on what TCP and UDP send") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    // A raw view of the packets: the kernel tells the TOS of each datagram that comes in.
    udp_socket sees(r.loop, asio::ip::udp::endpoint(loopback, 0));
    const int on = 1;
    ::setsockopt(sees.native_handle(), IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
    wic browser(r);
    auto wanted = browser.call({4});
    auto& remote = std::get<association_remote>(*wanted.streams.at(s1).remote);
    remote.port = sees.local_endpoint().port();
    remote.setup = setup_role::passive;  // the gateway begins
    std::get<association_local>(*wanted.streams.at(s1).local).setup = setup_role::active;
    wanted.streams.at(s1).settings.emplace();
    wanted.streams.at(s1).settings->dscp = 46;
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    co_await sees.async_wait(udp_socket::wait_read, use_awaitable);
    char bytes[2048];
    alignas(cmsghdr) char control[64];
    iovec v{};
    v.iov_base = bytes;
    v.iov_len = sizeof(bytes);
    msghdr h{};
    h.msg_iov = &v;
    h.msg_iovlen = 1;
    h.msg_control = control;
    h.msg_controllen = sizeof(control);
    REQUIRE(::recvmsg(sees.native_handle(), &h, 0) > 0);
    unsigned tos = 0;
    for (auto* m = CMSG_FIRSTHDR(&h); m != nullptr; m = CMSG_NXTHDR(&h, m)) {
      if (m->cmsg_level == IPPROTO_IP && m->cmsg_type == IP_TOS) tos = *reinterpret_cast<unsigned char*>(CMSG_DATA(m));
    }
    CHECK(tos == 46u << 2);
  });
}

TEST_CASE("datagrams from outside the filter never reach DTLS") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    const auto before = drops("ice", "filtered");
    call c(r);
    c.adjust = [](termination_change& t) {
      auto& settings = t.streams.at(s1).settings.emplace();
      settings.filter.emplace();
      settings.filter->by_address = true;
      settings.filter->by_port = true;
    };
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      udp_socket stranger(r.loop, asio::ip::udp::endpoint(asio::ip::make_address("127.0.0.9"), 0));
      const std::string noise(20, '\x16');
      stranger.send_to(asio::buffer(noise), asio::ip::udp::endpoint(loopback, c.access.port));
      while (gateway.statistics(access_side).at(s1).packets_discarded.value_or(0) == 0) co_await settle();
      CHECK(drops("ice", "filtered") == before + 1);
      co_await c.passes_to_core("abcd", "hello");
    });
  });
}

TEST_CASE("latching learns the address of a plain UDP peer behind a NAT") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    c.adjust = [&](termination_change& t) { std::get<association_remote>(*t.streams.at(s1).remote).port = 9; };
    c.adjust_core = [&](termination_change&) {};
    const auto port = c.listens.local_endpoint().port();
    auto core_wanted = with_stream(core_side, s2, bearer_change(setup_role::active, port));
    const auto core_answer = co_await gateway.apply(std::move(core_wanted));
    REQUIRE(core_answer.has_value());
    auto wanted = c.browser.call({4});
    c.adjust(wanted);
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    gateway.latch(access_side, s1, latching::latch);
    const auto local = association_of(*answer).port;
    auto inside = [&](task_group& tasks) -> awaitable<void> {
      co_await c.browser.establish(tasks, local);
      const auto learnt = co_await r.event_of("udp", kind::latched, s1);
      CHECK(learnt.address == loopback);
      CHECK(learnt.port == c.browser.endpoint->local().address.port());
      c.browser.association.reset();
    };
    co_await with_tasks("wic", inside);
  });
}

TEST_CASE("a policed bearer loses nothing, but takes its time") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    c.adjust_core = [](termination_change& t) {
      auto& settings = t.streams.at(s2).settings.emplace();
      settings.limits.emplace();
      settings.limits->sustained_rate = 200'000;
      settings.limits->burst_bytes = 20'000;
    };
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      const auto begin = clock::now();
      const auto big = msrp_send("slow", std::string(60'000, 'y'));
      co_await asio::async_write(c.core, asio::buffer(big), use_awaitable);
      const auto at_wic = co_await c.wic_hears("-------slow$\r\n");
      CHECK(at_wic.find(std::string(1000, 'y')) != std::string::npos);
      CHECK(clock::now() - begin >= 100ms);  // 40 000 octets beyond the burst need 200 ms; the last read comes early
    });
  });
}

TEST_CASE("with sctpbcc/dir=IN the gateway sends no INIT, and takes the peer's") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    wic browser(r);
    auto wanted = browser.call({4});
    wanted.streams.at(s1).settings.emplace();
    wanted.streams.at(s1).settings->association = initiation::in;
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    const auto port = association_of(*answer).port;
    task_group pumps(co_await asio::this_coro::executor, "wic");
    co_await browser.secure(pumps, port);
    // An INIT would be the first thing to come out of DTLS; give it time for a retransmission's worth of turns.
    datagram_batch early;
    bool silent = false;
    try {
      auto receiving = browser.session->receive(early);
      co_await until(deadline_after(300ms), std::move(receiving));
    } catch (const system_error& e) {
      silent = e.code() == core_error::timed_out;
    }
    CHECK(silent);
    co_await browser.associate(pumps);
    co_await r.event_of("sctp", kind::established, s1);
    browser.association.reset();
    co_await pumps.stop();
  });
}

TEST_CASE("what the gateway sends on a negotiated channel is unordered where a=dcmap says so") {
  const bool ordered = GENERATE(true, false);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    c.adjust = [&](termination_change& t) { std::get<channel_local>(*t.streams.at(s2).local).ordered = ordered; };
    bool unordered_seen = false;
    bool data_seen = false;
    c.tap = [&](bytes_view packet) {  // SCTP in the clear, behind DTLS: chunks from octet 12 on (RFC 9260, 3)
      for (std::size_t at = 12; at + 4 <= packet.size();) {
        const auto type = std::to_integer<unsigned>(packet[at]);
        const auto flags = std::to_integer<unsigned>(packet[at + 1]);
        const auto size = std::to_integer<unsigned>(packet[at + 2]) << 8 | std::to_integer<unsigned>(packet[at + 3]);
        if (type == 0 || type == 64) {  // DATA, I-DATA
          data_seen = true;
          if ((flags & 4) != 0) unordered_seen = true;
        }
        at += std::max(4U, (size + 3) / 4 * 4);
      }
    };
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      const auto back = msrp_send("efgh", "welcome");
      co_await asio::async_write(c.core, asio::buffer(back), use_awaitable);
      const auto at_wic = co_await c.wic_hears("-------efgh$\r\n");
      CHECK(at_wic == back);
    });
    CHECK(data_seen);
    CHECK(unordered_seen == !ordered);
  });
}

TEST_CASE("max-retr and max-time together are a conflict") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    wic browser(r);
    auto wanted = browser.call({4});
    auto& local = std::get<channel_local>(*wanted.streams.at(s2).local);
    local.max_retransmits = 3;
    local.max_lifetime_ms = 100;
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_error());
    CHECK(answer.error().reason == refusal_reason::conflict);
    CHECK(gateway.terminations() == 0);
  });
}
