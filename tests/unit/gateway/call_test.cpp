#include <boost/asio/write.hpp>

#include "call.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

using kind = gateway_event::kind;

std::vector<topology_rule> between_the_sides(topology how) {
  topology_rule out;
  out.from = access_side;
  out.to = core_side;
  out.how = how;
  return {out};
}

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
      co_await asio::async_write(c.core, asio::buffer(back), use_awaitable);
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
      c.adjust_channel = [](context& g) { g.set_topology(between_the_sides(topology::isolate)); };
    } else {
      c.adjust = [](termination_change& t) { t.streams.at(s2).mode = stream_mode::inactive; };
    }
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      const auto first = msrp_send("aaaa", "one");
      const auto second = msrp_send("bbbb", "two");
      const auto before = gateway.statistics(access_side).at(s1).octets_received;
      co_await c.say(first);
      co_await c.say(second);
      // Both have reached the association before anything is concluded.
      while (gateway.statistics(access_side).at(s1).octets_received < before + first.size() + second.size()) co_await settle();
      CHECK(c.core.available() == 0);
      if (by_topology) {
        gateway.set_topology(between_the_sides(topology::oneway));
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
        co_await asio::async_write(c.core, asio::buffer(back), use_awaitable);
        // What the gate lets read is in the relay by now, or stays in the socket: a message of the other direction has passed meanwhile.
        co_await c.say(msrp_send("dddd", "this way is open"));
        const auto passed = co_await c.core_hears("-------dddd$\r\n");
        CHECK(passed.size() > 0);
        CHECK(gateway.statistics(access_side).at(s2).messages_sent == 0u);
        gateway.set_topology(between_the_sides(topology::bothway));
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
      auto other_core = co_await c.listens.async_accept(use_awaitable);
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
      const auto before = gateway.statistics(access_side).at(s1).octets_received;
      co_await c.say(all);
      // What has not come in by then is not taken: a relay waits for a moment of quiet, not for the WIC.
      while (gateway.statistics(access_side).at(s1).octets_received < before + all.size()) co_await settle();
      const auto last = co_await gateway.remove(access_side);
      const auto at_core = co_await c.core_hears("-------last$\r\n");
      CHECK(at_core.size() == all.size());
      CHECK(last.at(s2).messages_received == 1u);
    });
  });
}
