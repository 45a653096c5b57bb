// Orders and releases by the controller, where they cross with other commands and with the other end of the stream.
#include <boost/asio/write.hpp>

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
