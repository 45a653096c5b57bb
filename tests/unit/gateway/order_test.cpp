// Orders and releases by the controller, where they cross with other commands and with the other end of the stream.
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "agw/core/sockets.hpp"
#include "call.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;
using kind = gateway_event::kind;

namespace {

/// What the controller says of a stream's layers: each of them is named.
std::map<layer, bool> only_waits(layer l) {
  std::map<layer, bool> out;
  for (const auto each : {layer::ice, layer::dtls, layer::sctp, layer::channel, layer::tcp, layer::tls}) out[each] = each == l;
  return out;
}

/// A WIC with the channels 4 (stream 2, which waits for an order) and 6 (stream 3, opened after it without one).
template <class F>
awaitable<void> with_held_channel(rig& r, context& gateway, F body) {
  wic browser(r);
  auto wanted = browser.call({4, 6});
  wanted.streams.at(s2).waits_for_order = only_waits(layer::channel);
  const auto answer = co_await gateway.apply(std::move(wanted));
  REQUIRE(answer.has_value());
  const auto port = association_of(*answer).port;
  auto inside = [&](task_group& tasks) -> awaitable<void> {
    co_await browser.establish(tasks, port);
    auto held = co_await browser.association->open_channel(4, "", "msrp");
    auto beside = co_await browser.association->open_channel(6, "", "msrp");
    co_await r.event_of("channel", kind::established, s3);
    CHECK_FALSE(r.saw("channel", kind::established, s2));
    co_await body();
    held.reset();
    beside.reset();
    browser.association.reset();
  };
  co_await with_tasks("wic", inside);
}

}  // namespace

TEST_CASE("a data channel that waits for its order is opened by it, and by no other layer's") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto body = [&]() -> awaitable<void> {
      gateway.order(access_side, s2, layer::tcp);
      // One that joins now is opened after the other would have been.
      auto more = with_stream(access_side, stream_number{4}, channel_change(8));
      stream_group_config group;
      group.deaggregation = s1;
      group.components = {s2, s3, stream_number{4}};
      more.groups = std::vector<stream_group_config>{group};
      const auto added = co_await gateway.apply(std::move(more));
      REQUIRE(added.has_value());
      co_await r.event_of("channel", kind::established, stream_number{4});
      CHECK_FALSE(r.saw("channel", kind::established, s2));
      gateway.order(access_side, s2, layer::channel);
      co_await r.event_of("channel", kind::established, s2);
    };
    co_await with_held_channel(r, gateway, body);
  });
}

TEST_CASE("a data channel that waits is ordered when its core end is interlinked, though that was up before") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto listens = listening(r);
    auto core_wanted = with_stream(core_side, s2, bearer_change(setup_role::active, listens.local_endpoint().port()));
    const auto core_answer = co_await gateway.apply(std::move(core_wanted));
    REQUIRE(core_answer.has_value());
    auto core = co_await listens.async_accept(use_awaitable);
    co_await r.event_of("tcp", kind::established);
    auto body = [&]() -> awaitable<void> {
      stream_change interlinked;
      interlinked.settings.emplace();
      interlinked.settings->interlinked = true;
      auto wanted = with_stream(core_side, s2, interlinked);
      const auto done = co_await gateway.apply(std::move(wanted));
      REQUIRE(done.has_value());
      co_await r.event_of("channel", kind::established, s2);
    };
    co_await with_held_channel(r, gateway, body);
  });
}

TEST_CASE("a core connection that is released and ordered again goes on with the same channel") {
  const bool held = GENERATE(false, true);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      co_await c.passes_to_core("first", "before");
      if (held) co_await set_mode(gateway, core_side, stream_mode::inactive);
      co_await gateway.release(core_side, s2, layer::tcp);
      const auto second = msrp_send("second", "while there is no connection");
      co_await c.say(second);
      gateway.order(core_side, s2, layer::tcp);
      c.core = co_await c.listens.async_accept(use_awaitable);
      if (held) co_await set_mode(gateway, core_side, stream_mode::send_receive);
      const auto after = co_await c.core_hears("-------second$\r\n");
      CHECK(after == second);
      const auto back = msrp_send("back", "and the other way");
      co_await asio::async_write(c.core, asio::buffer(back), use_awaitable);
      const auto at_wic = co_await c.wic_hears("-------back$\r\n");
      CHECK(at_wic == back);
      CHECK_FALSE(r.saw("channel", kind::released));
      CHECK_FALSE(r.saw("msrp", kind::failed));
    });
  });
}

TEST_CASE("a bearer that was released and ordered before Remote was known listens when Remote comes") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = with_stream(core_side, s2, bearer_change(setup_role::passive));
    const auto answer = co_await gateway.apply(std::move(wanted));
    REQUIRE(answer.has_value());
    co_await gateway.release(core_side, s2, layer::tcp);
    gateway.order(core_side, s2, layer::tcp);
    auto remote = bearer_change(setup_role::passive, std::uint16_t{4000}, setup_role::active);
    remote.local.reset();
    auto change = with_stream(core_side, s2, remote);
    const auto known = co_await gateway.apply(std::move(change));
    REQUIRE(known.has_value());
    // Another stream that is up by then: without a listener the connection below would be refused, and no event would come.
    auto beside = with_stream(core_side, s3, bearer_change(setup_role::passive, std::uint16_t{4000}, setup_role::active));
    const auto added = co_await gateway.apply(std::move(beside));
    REQUIRE(added.has_value());
    auto other = co_await dial(r, bearer_of(*added, s3).port);
    co_await r.event_of("tcp", kind::established, s3);
    tcp_socket peer(r.loop);
    error_code error;
    co_await peer.async_connect({loopback, bearer_of(*answer).port}, asio::redirect_error(use_awaitable, error));
    REQUIRE_FALSE(error);
    co_await r.event_of("tcp", kind::established);
  });
}
