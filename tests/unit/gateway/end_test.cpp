// How layers end: which part reports it, and that it is reported once.
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "agw/core/sockets.hpp"
#include "call.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;
using namespace std::chrono_literals;
using kind = gateway_event::kind;

namespace {

std::size_t told(const rig& r, std::string_view stage) {
  return static_cast<std::size_t>(std::ranges::count_if(r.events, [&](const gateway_event& e) { return e.stage == stage && e.what != kind::established; }));
}

/// An ABORT of TCP's.
void reset(tcp_socket& s) {
  s.set_option(asio::socket_base::linger(true, 0));
  s.close();
}

}  // namespace

TEST_CASE("the end of TCP towards the core is told on the core side, in any mode, with or without a WIC, and once") {
  const bool orderly = GENERATE(true, false);
  const auto how = orderly ? kind::released : kind::failed;
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    SECTION("nobody is on the other side") {
      auto listens = listening(r);
      auto wanted = with_stream(core_side, s2, bearer_change(setup_role::active, listens.local_endpoint().port()));
      (void)co_await gateway.apply(std::move(wanted));
      auto core = co_await listens.async_accept(use_awaitable);
      co_await r.event_of("tcp", kind::established);
      if (orderly) core.shutdown(tcp_socket::shutdown_send);
      else reset(core);
      const auto gone = co_await r.event_of("tcp", how);
      CHECK(gone.termination == core_side);
    }
    SECTION("the stream is inactive") {
      call c(r);
      co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
        co_await set_mode(gateway, core_side, stream_mode::inactive);
        const auto text = msrp_send("last", "what came before the end");
        if (orderly) co_await asio::async_write(c.core, asio::buffer(text), use_awaitable);
        if (orderly) c.core.shutdown(tcp_socket::shutdown_send);
        else reset(c.core);
        const auto gone = co_await r.event_of("tcp", how);
        CHECK(gone.termination == core_side);
        CHECK(gone.cause == (orderly ? "" : "tcp:reset"));
        if (!orderly) co_return;
        co_await set_mode(gateway, core_side, stream_mode::send_receive);
        const auto heard = co_await c.wic_hears("before the end");
        CHECK(heard.find("before the end") != std::string::npos);
      });
    }
    CHECK(told(r, "tcp") == 1);
  });
}

TEST_CASE("that the WIC closes its channel is told once, whether anybody reads or not") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    const bool held = GENERATE(true, false);
    c.adjust = [&](termination_change& wanted) {
      if (held) wanted.streams.at(s2).mode = stream_mode::inactive;
    };
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      co_await c.say(msrp_send("last", "what came before the end"));
      co_await c.channel->close(deadline_after(5s));
      const auto gone = co_await r.event_of("channel", kind::released);
      CHECK(gone.termination == access_side);
      if (held) {
        co_await set_mode(gateway, access_side, stream_mode::send_receive);
      }
      const auto heard = co_await c.core_hears("-------last$\r\n");
      CHECK(heard.find("before the end") != std::string::npos);
    });
  });
  // The context has ended: whatever it had to tell has been told.
  CHECK(told(r, "channel") == 1);
}

TEST_CASE("a WIC that hangs up while the core takes nothing loses nothing, though a response finds its channel gone") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      co_await set_mode(gateway, core_side, stream_mode::receive_only);
      std::string all;
      for (int i = 0; i < 6; ++i) {
        const auto chunk = msrp_send("last" + std::to_string(i), "what came before the end");
        all += chunk;
        co_await c.say(chunk);
      }
      co_await c.channel->close(deadline_after(5s));
      const std::string response = "MSRP last0 200 OK\r\nTo-Path: msrp://127.0.0.1:2/b;tcp\r\nFrom-Path: msrp://127.0.0.1:1/a;tcp\r\n-------last0$\r\n";
      co_await asio::async_write(c.core, asio::buffer(response), use_awaitable);
      co_await r.event_of("channel", kind::released);
      co_await set_mode(gateway, core_side, stream_mode::send_receive);
      const auto heard = co_await c.core_hears("-------last5$\r\n");
      CHECK(heard == all);
    });
  });
  // The context has ended: a failure would have been told.
  CHECK(told(r, "channel") == 1);
  CHECK_FALSE(r.saw("msrp", kind::failed));
}

TEST_CASE("a channel that is reset for a message that is too large loses nothing of what came before, though the core takes nothing for long") {
  const bool gated = GENERATE(true, false);  // or the core does not read
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    c.browser.sctp_options.peer_max_message_bytes = 0;
    c.listens.set_option(asio::socket_base::receive_buffer_size(4096));
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      if (gated) co_await set_mode(gateway, core_side, stream_mode::receive_only);
      const auto at_gateway = [&] { return gateway.statistics(access_side).at(s1).octets_received; };
      const auto at_system = [&] { return gateway.statistics(core_side).at(s2).octets_sent; };
      const auto before = at_gateway();
      std::string all, last;
      // More than the system takes for the core.
      while (all.size() < at_system() + 240'000) {
        last = "last" + std::to_string(all.size());
        const auto chunk = msrp_send(last, std::string(60000, 'x'));
        all += chunk;
        co_await c.say(chunk);
        while (at_gateway() < before + all.size()) co_await settle();
        co_await settle();
      }
      co_await c.say(std::string(500000, 'y'));
      const auto gone = co_await r.event_of("channel", kind::failed);
      CHECK(gone.cause == "channel:reset");
      // The channel is looked at each second: it must not be given up at the second look, when nothing has moved since the first.
      co_await sleep_until(deadline_after(2500ms));
      if (gated) co_await set_mode(gateway, core_side, stream_mode::send_receive);
      auto hearing = c.core_hears("-------" + last + "$\r\n");
      const auto heard = co_await until(deadline_after(20s), std::move(hearing));
      CHECK((heard == all));
    });
  });
  CHECK(told(r, "channel") == 1);
  CHECK_FALSE(r.saw("msrp", kind::failed));
}

TEST_CASE("a channel that is reset while its gate stays closed ends as blocked after the hold limit, and says so once") {
  rig r;
  r.services.config.hold_limit = 2s;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    c.browser.sctp_options.peer_max_message_bytes = 0;
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      co_await set_mode(gateway, core_side, stream_mode::receive_only);
      co_await c.say(msrp_send("last", "what nobody takes"));
      co_await c.say(std::string(500000, 'y'));
      const auto gone = co_await r.event_of("channel", kind::failed);
      CHECK(gone.cause == "channel:reset");
      const auto since = clock::now();
      co_await r.events_of("channel", kind::failed, 2);
      CHECK(r.events.back().cause == "channel:blocked");
      CHECK(clock::now() - since >= 2s);
      // It has ended: what it held does not come any more.
      co_await set_mode(gateway, core_side, stream_mode::send_receive);
      co_await sleep_until(deadline_after(100ms));
      CHECK(c.core.available() == 0);
    });
  });
  CHECK(told(r, "channel") == 2);
}

TEST_CASE("a core that resets its connection while the WIC takes nothing loses nothing, and then the reset is told") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      co_await set_mode(gateway, access_side, stream_mode::receive_only);
      std::string all;
      for (int i = 0; i < 6; ++i) all += msrp_send("last" + std::to_string(i), "what came before the end");
      co_await asio::async_write(c.core, asio::buffer(all), use_awaitable);
      reset(c.core);
      co_await c.say(msrp_send("mess1", "into nothing"));
      const auto gone = co_await r.event_of("tcp", kind::failed);
      CHECK(gone.cause == "tcp:reset");
      co_await set_mode(gateway, access_side, stream_mode::send_receive);
      const auto heard = co_await c.wic_hears("-------last5$\r\n");
      CHECK(heard == all);
    });
  });
}

TEST_CASE("what is released by order is told as released, on its own stream") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      SECTION("TCP") {
        co_await gateway.release(core_side, s2, layer::tcp);
        const auto gone = co_await r.event_of("tcp", kind::released);
        CHECK(gone.termination == core_side);
        // Who dials may be ordered to do it again.
        gateway.order(core_side, s2, layer::tcp);
        auto again = co_await c.listens.async_accept(use_awaitable);
        CHECK(again.is_open());
      }
      SECTION("TLS of a stream that has none") {
        co_await gateway.release(core_side, s2, layer::tls);
        co_await c.say(msrp_send("mess1", "hello"));
        const auto heard = co_await c.core_hears("-------mess1$\r\n");
        CHECK(heard.find("hello") != std::string::npos);
        CHECK_FALSE(r.saw("tcp", kind::released));
      }
      SECTION("the channel") {
        co_await gateway.release(access_side, s2, layer::channel);
        const auto gone = co_await r.event_of("channel", kind::released);
        CHECK(gone.termination == access_side);
        CHECK(gone.sid == 4);
      }
      SECTION("the association") {
        co_await gateway.release(access_side, s1, layer::sctp);
        const auto gone = co_await r.event_of("sctp", kind::released, s1);
        CHECK(gone.stream == s1);
        CHECK(told(r, "sctp") == 1);
      }
    });
    CHECK_FALSE(r.saw("sctp", kind::failed));
    CHECK_FALSE(r.saw("tcp", kind::failed));
  });
}

TEST_CASE("a stream stays of its kind, and with the peer that it has") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      const auto refused = [&](termination_id id, stream_number n, stream_change wanted) -> awaitable<bool> {
        auto change = with_stream(id, n, std::move(wanted));
        const auto answer = co_await gateway.apply(std::move(change));
        co_return !answer && answer.error().reason == refusal_reason::conflict;
      };
      auto channel = channel_change(9);
      const bool of_bearer = co_await refused(core_side, s2, channel);
      CHECK(of_bearer);
      auto bearer = bearer_change(setup_role::passive);
      const bool of_channel = co_await refused(access_side, s2, bearer);
      CHECK(of_channel);
      stream_change elsewhere;
      elsewhere.remote = *bearer_change(setup_role::active, std::uint16_t{9}).remote;
      const bool of_peer = co_await refused(core_side, s2, elsewhere);
      CHECK(of_peer);
      stream_change same;
      same.remote = *bearer_change(setup_role::active, c.listens.local_endpoint().port()).remote;
      const bool of_same = co_await refused(core_side, s2, same);
      CHECK_FALSE(of_same);
      stream_change other_keys;
      auto remote = std::get<association_remote>(*c.browser.call({4}).streams.at(s1).remote);
      remote.fingerprints = {gateway_identity()->own().fingerprint().str()};
      other_keys.remote = remote;
      const bool of_keys = co_await refused(access_side, s1, other_keys);
      CHECK(of_keys);
    });
  });
}

TEST_CASE("who listened listens again by order, at the port that the peer knows") {
  rig r;
  port_pool few(41000, 41999);
  r.services.ports = &few;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = with_stream(core_side, s2, bearer_change(setup_role::passive, std::uint16_t{4000}, setup_role::active));
    wanted.streams.at(s2).waits_for_order[layer::tcp] = true;
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    const auto port = bearer_of(*answer).port;
    for (int round = 0; round < 2; ++round) {
      gateway.order(core_side, s2, layer::tcp);
      auto peer = co_await dial(r, port);
      co_await r.event_of("tcp", kind::established);
      co_await gateway.release(core_side, s2, layer::tcp);
      co_await r.event_of("tcp", kind::released);
      r.events.clear();
      // The port stays reserved, and no connection is accepted until the next order.
      CHECK(few.leased() == 1);
      tcp_socket early(r.loop);
      error_code error;
      co_await early.async_connect({loopback, port}, asio::redirect_error(use_awaitable, error));
      CHECK(error == asio::error::connection_refused);
    }
  });
  CHECK(few.leased() == 0);
}

TEST_CASE("a change says which streams went with it") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = wic(r).call({4, 6});
    (void)co_await gateway.apply(std::move(wanted));
    auto fewer = change_of(access_side);
    stream_group_config group;
    group.deaggregation = s1;
    group.components = {s2};
    fewer.groups = std::vector<stream_group_config>{group};
    const auto answer = co_await gateway.apply(std::move(fewer));
    REQUIRE(answer.has_value());
    CHECK(answer->removed == std::vector<stream_number>{stream_number{3}});
    stream_change gone;
    gone.remove = true;
    auto none = with_stream(access_side, s1, gone);
    const auto last = co_await gateway.apply(std::move(none));
    REQUIRE(last.has_value());
    CHECK(last->removed == std::vector<stream_number>{s1, s2});
  });
}

TEST_CASE("an address that is not the interface's is not bound") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    for (const auto* foreign : {"0.0.0.0", "::1", "127.0.0.9"}) {
      CAPTURE(foreign);
      auto stream = bearer_change(setup_role::passive);
      std::get<bearer_local>(*stream.local).address = asio::ip::make_address(foreign);
      auto wanted = with_stream(core_side, s2, stream);
      const auto answer = co_await gateway.apply(std::move(wanted));
      REQUIRE_FALSE(answer.has_value());
      CHECK(answer.error().reason == refusal_reason::bad_value);
    }
  });
}
