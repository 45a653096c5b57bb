// What one channel may do to the others of its association, and which channels an association can have.
#include "call.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

using kind = gateway_event::kind;

/// A second channel, of stream 3, with a connection of its own.
void with_sibling(call& c, std::uint16_t sid) {
  c.adjust = [sid](termination_change& t) {
    t.streams.at(s2).mode = stream_mode::inactive;
    t.streams.emplace(s3, channel_change(sid));
    t.groups->front().components.push_back(s3);
  };
  c.adjust_core = [&c](termination_change& t) {
    t.streams.emplace(s3, bearer_change(setup_role::active, c.listens.local_endpoint().port()));
  };
}

termination_change with_channel(std::uint16_t sid) {
  auto out = change_of(access_side);
  out.streams.emplace(s3, channel_change(sid));
  stream_group_config group;
  group.deaggregation = s1;
  group.components = {s2, s3};
  out.groups = std::vector<stream_group_config>{group};
  return out;
}

}  // namespace

TEST_CASE("a channel that an inactive stream holds too long is closed with channel:blocked; its sibling goes on meanwhile and afterwards") {
  rig r;
  r.services.config.hold_limit = 2s;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    with_sibling(c, 6);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      auto other_core = co_await c.listens.async_accept(use_awaitable);
      auto other = co_await c.browser.association->open_channel(6, "", "msrp");
      co_await r.event_of("channel", kind::established, s3);
      for (int i = 0; i < 10; ++i) co_await c.say(msrp_send("held", std::string(60000, 'x')));
      const auto fine = msrp_send("okok", "past it");
      const auto bytes = std::as_bytes(std::span(fine.data(), fine.size()));
      co_await other->send(bytes);
      while (gateway.statistics(core_side).at(s3).octets_sent < fine.size()) co_await settle();
      CHECK_FALSE(r.saw("channel", kind::failed, s2));
      const auto failed = co_await r.event_of("channel", kind::failed, s2);
      CHECK(failed.cause == "channel:blocked");
      const bool closed = co_await c.channel->peer_closed();
      CHECK(closed);
      co_await other->send(bytes);
      while (gateway.statistics(core_side).at(s3).octets_sent < 2 * fine.size()) co_await settle();
      CHECK_FALSE(r.saw("msrp", kind::failed, s2));
      CHECK_FALSE(r.saw("channel", kind::failed, s3));
      CHECK_FALSE(r.saw("sctp", kind::failed, s1));
    });
  });
}

TEST_CASE("a channel whose core reads slowly, but reads, is not closed, though one message takes longer than the hold limit") {
  rig r;
  r.services.config.hold_limit = 2s;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    c.listens.set_option(asio::socket_base::receive_buffer_size(4096));
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      task_group floods(co_await asio::this_coro::executor);
      floods.spawn("wic", [&c]() -> awaitable<void> {
        for (;;) co_await c.say(msrp_send("slow", std::string(60000, 'x')));
      });
      const auto by = deadline_after(6s);
      std::array<char, 1000> some;
      while (clock::now() < by && !r.saw("channel", kind::failed)) {
        (void)co_await c.core.async_read_some(asio::buffer(some), use_awaitable);
        co_await sleep_until(deadline_after(50ms));
      }
      co_await floods.stop();
      CHECK_FALSE(r.saw("channel", kind::failed));
    });
  });
}

TEST_CASE("an id that is named before the association starts is provided for, whatever its size") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    with_sibling(c, 1000);
    c.browser.sctp_options.streams = c.browser.sctp_options.max_inbound_streams = 2000;
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      CHECK(c.browser.association->statistics().outgoing_streams == 1001);
      CHECK(c.browser.association->statistics().incoming_streams == 1001);
      auto other = co_await c.browser.association->open_channel(1000, "", "msrp");
      const auto opened = co_await r.event_of("channel", kind::established, s3);
      CHECK(opened.sid == 1000);
    });
  });
}

TEST_CASE("an id that the living association cannot have is refused in the reply, and nothing changes") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      auto beyond = co_await gateway.apply(with_channel(3000));
      REQUIRE(beyond.has_error());
      CHECK(beyond.error().reason == refusal_reason::no_resources);
      CHECK(beyond.error().text.find("a=dcmap:3000") != std::string::npos);
      auto none = co_await gateway.apply(with_channel(65535));
      REQUIRE(none.has_error());
      CHECK(none.error().reason == refusal_reason::bad_value);
      const auto fine = co_await gateway.apply(with_channel(100));
      REQUIRE(fine.has_value());
      const auto opened = co_await r.event_of("channel", kind::established, s3);
      CHECK(opened.sid == 100);
    });
  });
}

TEST_CASE("an id beyond what INIT has asked for is refused in the reply while INIT is under way, a lower one has its channel") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    wic browser(r);
    auto wanted = browser.call({4});
    const auto made = co_await gateway.apply(std::move(wanted));
    const auto access = association_of(granted(made));
    task_group pumps(co_await asio::this_coro::executor, "wic");
    co_await browser.secure(pumps, access);
    co_await r.event_of("dtls", kind::established, s1);
    co_await settle();
    REQUIRE_FALSE(r.saw("sctp", kind::established, s1));
    const auto beyond = co_await gateway.apply(with_channel(3000));
    REQUIRE(beyond.has_error());
    CHECK(beyond.error().reason == refusal_reason::no_resources);
    CHECK(beyond.error().text == "a=dcmap:3000: the gateway allows no stream with this id");
    const auto fine = co_await gateway.apply(with_channel(100));
    REQUIRE(fine.has_value());
    co_await browser.associate(pumps);
    auto channel = co_await browser.association->open_channel(100, "", "msrp");
    const auto opened = co_await r.event_of("channel", kind::established, s3);
    CHECK(opened.sid == 100);
    channel.reset();
    browser.association.reset();
    try {
      co_await pumps.stop();
    } catch (const stage_error&) {
    }
  });
}

TEST_CASE("an id beyond the living association's is provided for by the new one that the same change asks for") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      wic next(r, false, std::make_shared<const dtls::context>(dtls::certificate::self_signed()));
      auto wanted = with_channel(3000);
      stream_change elsewhere;
      elsewhere.remote = next.remote();
      wanted.streams.emplace(s1, std::move(elsewhere));
      const auto answer = co_await gateway.apply(std::move(wanted));
      CHECK(answer.has_value());
    });
  });
}
