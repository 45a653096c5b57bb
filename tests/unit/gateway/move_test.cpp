// The ends of a stream come and go while the other end lives: replaced, added beside, moved to another context.
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "agw/core/sockets.hpp"
#include "call.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

constexpr termination_id second_core{3};

/// Another core peer: an active bearer of the gateway's dials it.
struct other_peer {
  explicit other_peer(rig& r) : listens(listening(r)), socket(r.loop) {}

  awaitable<void> join(context& gateway) {
    auto wanted = with_stream(second_core, s2, bearer_change(setup_role::active, listens.local_endpoint().port()));
    const auto made = co_await gateway.apply(std::move(wanted));
    REQUIRE(made.has_value());
    socket = co_await listens.async_accept(use_awaitable);
  }
  awaitable<std::string> hears(std::string end) {
    const auto size = co_await asio::async_read_until(socket, asio::dynamic_buffer(heard), end, use_awaitable);
    std::string out = heard.substr(0, size);
    heard.erase(0, size);
    co_return out;
  }

  tcp_acceptor listens;
  tcp_socket socket;
  std::string heard;
};

awaitable<void> talk(call& c, other_peer& peer, std::string id) {
  const auto out = msrp_send(id + "out", "to the new core");
  co_await c.say(out);
  const auto at_peer = co_await peer.hears("-------" + id + "out$\r\n");
  CHECK(at_peer == out);
  const auto back = msrp_send(id + "back", "from the new core");
  co_await asio::async_write(peer.socket, asio::buffer(back), use_awaitable);
  const auto at_wic = co_await c.wic_hears("-------" + id + "back$\r\n");
  CHECK(at_wic == back);
}

}  // namespace

TEST_CASE("the core end is replaced in a living call, before or after the old one leaves") {
  const bool make_before_break = GENERATE(true, false);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    other_peer next(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      co_await c.passes_to_core("first", "to the old core");
      if (make_before_break) {
        co_await next.join(gateway);
        co_await c.passes_to_core("second", "the old one still");
      }
      const auto last = co_await gateway.remove(core_side);
      CHECK(last.at(s2).octets_sent > 0);
      if (!make_before_break) {
        const auto held = msrp_send("held", "nobody is there");
        co_await c.say(held);
        co_await next.join(gateway);
        const auto kept = co_await next.hears("-------held$\r\n");
        CHECK(kept == held);
      }
      co_await talk(c, next, "new");
      const auto counted = gateway.statistics(access_side).at(s2);
      CHECK(counted.messages_received == 3u);  // of both core ends
      CHECK_FALSE(r.saw("msrp", gateway_event::kind::failed));
      CHECK_FALSE(r.saw("tcp", gateway_event::kind::released));
    });
  });
}

TEST_CASE("a side that closes is told, and the core end may come again") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    other_peer next(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      c.core.close();
      const auto gone = co_await r.event_of("tcp", gateway_event::kind::released);
      CHECK(gone.termination == core_side);
      co_await gateway.remove(core_side);
      co_await next.join(gateway);
      co_await talk(c, next, "again");
      co_await c.channel->close(deadline_after(1s));
      co_await r.event_of("channel", gateway_event::kind::released);
    });
  });
}

TEST_CASE("a termination moves to another context with its layers up, and what it left goes on") {
  const bool access_moves = GENERATE(true, false);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    other_peer next(r);
    std::vector<gateway_event> seen;
    context other(r.services, r.loop.get_executor(), context_id{8}, [&](gateway_event e) { seen.push_back(std::move(e)); });
    std::exception_ptr error;
    try {
      co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
        co_await c.passes_to_core("first", "before");
        if (access_moves) {
          co_await next.join(other);
          const bool moved = co_await gateway.move(access_side, other);
          CHECK(moved);
          CHECK(gateway.terminations() == 1);
          CHECK(other.terminations() == 2);
          co_await talk(c, next, "moved");
          CHECK_FALSE(gateway.statistics(access_side).contains(s2));
          CHECK(other.statistics(access_side).at(s2).messages_received == 2u);
          co_await other.remove(access_side);
        } else {
          const bool moved = co_await gateway.move(core_side, other);
          CHECK(moved);
          const bool again = co_await gateway.move(core_side, other);
          CHECK_FALSE(again);
          const auto held = msrp_send("held", "kept until there is a core again");
          co_await c.say(held);
          const bool back = co_await other.move(core_side, gateway);
          CHECK(back);
          const auto kept = co_await c.core_hears("-------held$\r\n");
          CHECK(kept == held);
        }
      });
    } catch (...) {
      error = std::current_exception();
    }
    co_await other.close();
    if (error) std::rethrow_exception(error);
  });
}

TEST_CASE("a bearer that waits for its peer moves, and the context it left may go") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto other = std::make_unique<context>(r.services, r.loop.get_executor(), context_id{8}, [&](gateway_event e) {
      r.events.push_back(std::move(e));
      r.changed.set();
    });
    auto wanted = with_stream(core_side, s2, bearer_change(setup_role::passive, std::uint16_t{4000}, setup_role::active));
    const auto made = co_await other->apply(std::move(wanted));
    REQUIRE(made.has_value());
    co_await settle();
    const bool moved = co_await other->move(core_side, gateway);
    CHECK(moved);
    co_await other->close();
    other.reset();
    auto peer = co_await dial(r, bearer_of(*made).port);
    const auto up = co_await r.event_of("tcp", gateway_event::kind::established);
    CHECK(up.context == gateway.id());
  });
}

TEST_CASE("what a peer does not take in time keeps the termination where it is, and no chunk is cut") {
  rig r;
  r.services.config.flush_time = 50ms;
  r.run([&](context& gateway) -> awaitable<void> {
    context other(r.services, r.loop.get_executor(), context_id{8}, [](gateway_event) {});
    call c(r);
    co_await c.run(gateway, [&](task_group& tasks) -> awaitable<void> {
      // More than TCP's buffers hold, and the peer does not read.
      const std::string text(60'000, 'x');
      constexpr int chunks = 200;
      tasks.spawn("talker", [&]() -> awaitable<void> {
        for (int i = 0; i < chunks; ++i) co_await c.say(msrp_send("mess" + std::to_string(i), text));
      });
      // Until TCP takes no more the core end may go at any chunk's end: it is sent away until it cannot.
      bool moved = true;
      for (int tries = 0; tries < 1000; ++tries) {
        co_await sleep_until(deadline_after(50ms));
        moved = co_await gateway.move(core_side, other);
        if (!moved) break;
        const bool back = co_await other.move(core_side, gateway);
        REQUIRE(back);
      }
      CHECK_FALSE(moved);
      for (int i = 0; i < chunks; ++i) {
        const auto heard = co_await c.core_hears("-------mess" + std::to_string(i) + "$\r\n");
        CHECK(heard.size() > text.size());
        CHECK(heard.starts_with("MSRP "));
      }
      r.services.config.flush_time = 20s;
      const bool now = co_await gateway.move(core_side, other);
      CHECK(now);
    });
    co_await other.close();
  });
}

TEST_CASE("a parked core end goes on where it was, and an association is not parked") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      co_await c.passes_to_core("first", "before");
      const auto bound = co_await gateway.park(access_side);
      REQUIRE(bound.has_error());
      CHECK(bound.error().reason == refusal_reason::no_resources);
      const auto before = gateway.statistics(core_side).at(s2).octets_sent;
      auto parked = co_await gateway.park(core_side);
      REQUIRE(parked.has_value());
      CHECK(gateway.terminations() == 1);
      const auto second = msrp_send("second", "said while the core end was nowhere");
      const auto received = gateway.statistics(access_side).at(s1).octets_received;
      co_await c.say(second);
      while (gateway.statistics(access_side).at(s1).octets_received < received + second.size()) co_await settle();
      gateway.resume(*parked);
      const auto afterwards = co_await c.core_hears("-------second$\r\n");
      CHECK(afterwards == second);
      const auto back = msrp_send("back", "and the other way");
      co_await asio::async_write(c.core, asio::buffer(back), use_awaitable);
      const auto at_wic = co_await c.wic_hears("-------back$\r\n");
      CHECK(at_wic == back);
      CHECK(gateway.statistics(core_side).at(s2).octets_sent == before + second.size());
      CHECK_FALSE(r.saw("tcp", gateway_event::kind::released));
      CHECK_FALSE(r.saw("tcp", gateway_event::kind::failed));
    });
  });
}

TEST_CASE("a connection that is parked and never taken up is closed, and its port given back") {
  rig r;
  port_pool few(42000, 42999);
  r.services.ports = &few;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = with_stream(core_side, s2, bearer_change(setup_role::passive, std::uint16_t{4000}, setup_role::active));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    auto peer = co_await dial(r, bearer_of(*answer).port);
    co_await r.event_of("tcp", gateway_event::kind::established);
    {
      const auto parked = co_await gateway.park(core_side);
      REQUIRE(parked.has_value());
      CHECK(few.leased() == 1);
    }
    CHECK(few.leased() == 0);
    char octet = 0;
    error_code end;
    auto buffer = asio::buffer(&octet, 1);
    co_await peer.async_read_some(buffer, asio::redirect_error(use_awaitable, end));
    CHECK(end == asio::error::eof);
  });
}
