#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "agw/core/metrics.hpp"
#include "rig.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

using kind = gateway_event::kind;

/// A call up to the open channel of stream 2 and its TCP connection; `body(tasks, channel, core)` does the rest.
struct call {
  explicit call(rig& r) : r_(r), browser(r), listens(listening(r)), core(r.loop) {}

  template <class F>
  awaitable<void> run(context& gateway, F body) {
    const auto port = listens.local_endpoint().port();
    auto core_wanted = with_stream(core_side, s2, bearer_change(setup_role::active, port));
    if (adjust_core) adjust_core(core_wanted);
    const auto core_answer = co_await gateway.apply(std::move(core_wanted));
    REQUIRE(core_answer.has_value());
    auto wanted = browser.call({4});
    if (adjust) adjust(wanted);
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    access = association_of(*answer);
    core = co_await listens.async_accept(asio::use_awaitable);
    // The gateway may close the association while the body still looks: the WIC's pumps end apart from it.
    task_group pumps(co_await asio::this_coro::executor, "wic");
    std::exception_ptr error;
    try {
      co_await browser.establish(pumps, access.port);
      channel = co_await browser.association->open_channel(4, "", "msrp");
      if (adjust_channel) adjust_channel(gateway);
      co_await r_.event_of("channel", kind::established);
      co_await body(pumps);
    } catch (...) {
      error = std::current_exception();
    }
    channel.reset();
    browser.association.reset();
    try {
      co_await pumps.stop();
    } catch (const stage_error&) {
    }
    if (error) std::rethrow_exception(error);
  }

  awaitable<void> say(std::string text) {
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    co_await channel->send(bytes);
  }
  /// Reads from the core until `end` was seen.
  awaitable<std::string> core_hears(std::string end) {
    const auto size = co_await asio::async_read_until(core, asio::dynamic_buffer(heard), end, asio::use_awaitable);
    std::string out = heard.substr(0, size);
    heard.erase(0, size);
    co_return out;
  }
  /// Reads from the channel until `end` was seen.
  awaitable<std::string> wic_hears(std::string end) {
    std::vector<message> got;
    while (read_all(got).find(end) == std::string::npos) {
      if (!co_await channel->receive(got)) break;
    }
    co_return read_all(got);
  }

  rig& r_;
  wic browser;
  asio::ip::tcp::acceptor listens;
  asio::ip::tcp::socket core;
  association_answer access;
  std::unique_ptr<sctp::data_channel> channel;
  std::string heard;
  std::function<void(termination_change&)> adjust;
  std::function<void(termination_change&)> adjust_core;
  std::function<void(context&)> adjust_channel;
};

}  // namespace

TEST_CASE("a call carries MSRP both ways between the channel and TCP, and Subtract returns what was counted") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      const auto hello = msrp_send("abcd", "hello");
      co_await c.say(hello);
      const auto at_core = co_await c.core_hears("-------abcd$\r\n");
      CHECK(at_core == hello);
      const auto back = msrp_send("efgh", "welcome");
      co_await asio::async_write(c.core, asio::buffer(back), asio::use_awaitable);
      const auto at_wic = co_await c.wic_hears("-------efgh$\r\n");
      CHECK(at_wic == back);
      CHECK(r.saw("dtls", kind::established, s1));
      CHECK(r.saw("sctp", kind::established, s1));
      CHECK(r.saw("tcp", kind::established));
      const auto opened = co_await r.event_of("channel", kind::established);
      CHECK(opened.sid == 4);
      CHECK(opened.subprotocol == "msrp");
      const auto last = co_await gateway.remove(access_side);
      CHECK(last.at(s2).messages_received == 1u);
      CHECK(last.at(s2).messages_sent == 1u);
      CHECK(last.at(s2).octets_received == hello.size());
      CHECK(last.at(s2).octets_sent == back.size());
      CHECK(last.at(s2).chunks_forwarded == 2u);
      CHECK(last.at(s1).octets_received > hello.size());
      CHECK(last.at(s1).srtt_ms.has_value());
      const auto core_last = co_await gateway.remove(core_side);
      CHECK(core_last.at(s2).octets_sent == hello.size());
      CHECK(core_last.at(s2).octets_received == back.size());
      CHECK(gateway.terminations() == 0);
    });
  });
}

TEST_CASE("an inactive stream holds data back and drops nothing; so does a topology") {
  const bool by_topology = GENERATE(false, true);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    if (by_topology) {
      c.adjust_channel = [](context& g) { g.connect(access_side, core_side, topology::isolate); };
    } else {
      c.adjust = [](termination_change& t) { t.streams.at(s2).mode = stream_mode::inactive; };
    }
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      const auto first = msrp_send("aaaa", "one");
      const auto second = msrp_send("bbbb", "two");
      co_await c.say(first);
      co_await c.say(second);
      co_await settle();
      CHECK(c.core.available() == 0);
      if (by_topology) {
        gateway.connect(access_side, core_side, topology::oneway);
      } else {
        stream_change open;
        open.mode = stream_mode::send_receive;
        auto wanted = with_stream(access_side, s2, open);
        const auto answer = co_await gateway.apply(std::move(wanted));
        REQUIRE(answer.has_value());
      }
      const auto at_core = co_await c.core_hears("-------bbbb$\r\n");
      CHECK(at_core == first + second);
      if (by_topology) {  // nothing may go to the WIC
        const auto back = msrp_send("cccc", "held");
        co_await asio::async_write(c.core, asio::buffer(back), asio::use_awaitable);
        co_await settle();
        CHECK(gateway.statistics(access_side).at(s2).messages_sent == 0u);
        gateway.connect(access_side, core_side, topology::bothway);
        const auto at_wic = co_await c.wic_hears("-------cccc$\r\n");
        CHECK(at_wic == back);
      }
    });
  });
}

TEST_CASE("a stream group gains and loses components while the association stays") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      auto more = change_of(access_side);
      more.streams.emplace(s3, channel_change(6));
      stream_group_config group;
      group.deaggregation = s1;
      group.components = {s2, s3};
      more.groups = std::vector<stream_group_config>{group};
      const auto added = co_await gateway.apply(std::move(more));
      REQUIRE(added.has_value());
      const auto opened = co_await r.event_of("channel", kind::established, s3);
      CHECK(opened.sid == 6);
      auto less = change_of(access_side);
      group.components = {s3};
      less.groups = std::vector<stream_group_config>{group};
      const auto removed = co_await gateway.apply(std::move(less));
      REQUIRE(removed.has_value());
      std::vector<message> rest;
      const bool open = co_await c.channel->receive(rest);
      CHECK_FALSE(open);  // its channel was closed
      const auto counted = gateway.statistics(access_side);
      CHECK_FALSE(counted.contains(s2));
      CHECK(counted.contains(s3));
      CHECK_FALSE(r.saw("sctp", kind::failed, s1));
    });
  });
}

TEST_CASE("a component that fails leaves its sibling alone") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    c.adjust = [](termination_change& t) {
      t.streams.emplace(s3, channel_change(6));
      t.groups->front().components.push_back(s3);
    };
    c.adjust_core = [&](termination_change& t) { t.streams.emplace(s3, bearer_change(setup_role::active, c.listens.local_endpoint().port())); };
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      auto other_core = co_await c.listens.async_accept(asio::use_awaitable);
      auto other = co_await c.browser.association->open_channel(6, "", "msrp");
      co_await r.event_of("channel", kind::established, s3);
      // The two connections may have been accepted in either order: whichever belongs to stream 3 must not matter here.
      const std::string garbage = "this is not MSRP\r\n";
      co_await c.say(garbage);
      const auto failed = co_await r.event_of("msrp", kind::failed, s2);
      CHECK(failed.cause == "msrp:syntax");
      CHECK_FALSE(r.saw("msrp", kind::failed, s3));
      CHECK_FALSE(r.saw("sctp", kind::failed, s1));
      const auto fine = msrp_send("okok", "still here");
      const auto bytes = std::as_bytes(std::span(fine.data(), fine.size()));
      co_await other->send(bytes);
      while (gateway.statistics(core_side).at(s3).octets_sent < fine.size()) co_await settle();
      CHECK(gateway.statistics(access_side).at(s3).messages_received == 1u);
    });
  });
}

TEST_CASE("Subtract hands on what was taken before it closes") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      const auto all = msrp_send("last", std::string(20'000, 'x'));
      co_await c.say(all);
      const auto last = co_await gateway.remove(access_side);
      const auto at_core = co_await c.core_hears("-------last$\r\n");
      CHECK(at_core.size() == all.size());
      CHECK(last.at(s2).messages_received == 1u);
    });
  });
}

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

TEST_CASE("the code point is on what TCP and UDP send") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    // A raw view of the packets: the kernel tells the TOS of each datagram that comes in.
    asio::ip::udp::socket sees(r.loop, asio::ip::udp::endpoint(loopback, 0));
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
    co_await sees.async_wait(asio::ip::udp::socket::wait_read, asio::use_awaitable);
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
      asio::ip::udp::socket stranger(r.loop, asio::ip::udp::endpoint(asio::ip::make_address("127.0.0.9"), 0));
      const std::string noise(20, '\x16');
      stranger.send_to(asio::buffer(noise), asio::ip::udp::endpoint(loopback, c.access.port));
      while (gateway.statistics(access_side).at(s1).packets_discarded.value_or(0) == 0) co_await settle();
      CHECK(drops("ice", "filtered") == before + 1);
      const auto hello = msrp_send("abcd", "hello");
      co_await c.say(hello);
      const auto at_core = co_await c.core_hears("-------abcd$\r\n");
      CHECK(at_core == hello);
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
      co_await asio::async_write(c.core, asio::buffer(big), asio::use_awaitable);
      const auto at_wic = co_await c.wic_hears("-------slow$\r\n");
      CHECK(at_wic.find(std::string(1000, 'y')) != std::string::npos);
      CHECK(clock::now() - begin >= 100ms);  // 40 000 octets beyond the burst need 200 ms; the last read comes early
    });
  });
}
