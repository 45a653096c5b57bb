// Application-aware MSRP in a call: the gateway is a user agent of its own on either side.
#include <boost/asio/write.hpp>

#include "call.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

const std::string own_towards_wic = "msrps://127.0.0.1:9/wic;dc";
const std::string own_towards_core = "msrp://127.0.0.1:9/core;tcp";
const std::string wic_path = "msrps://wic.example.com:9/w;dc";
const std::string relay_uri = "msrp://relay.example.com:2855/r;tcp";
const std::string core_path = "msrp://core.example.com:2855/c;tcp";

std::string send_text(std::string_view id, std::string_view to, std::string_view from, std::string_view text) {
  return "MSRP " + std::string(id) + " SEND\r\nTo-Path: " + std::string(to) + "\r\nFrom-Path: " + std::string(from) +
         "\r\nMessage-ID: 1\r\nContent-Type: text/plain\r\n\r\n" + std::string(text) + "\r\n-------" + std::string(id) + "$\r\n";
}

void make_aware(call& c, std::uint32_t wic_takes = 65536) {
  c.adjust_core = [](termination_change& wanted) {
    auto& stream = wanted.streams.at(s2);
    auto& local = std::get<bearer_local>(*stream.local);
    local.msrp_aware = true;
    local.path = {own_towards_core};
    auto& remote = std::get<bearer_remote>(*stream.remote);
    remote.msrp_aware = true;
    remote.path = {relay_uri, core_path};
  };
  c.adjust = [wic_takes](termination_change& wanted) {
    auto& stream = wanted.streams.at(s2);
    std::get<channel_local>(*stream.local).path = {own_towards_wic};
    std::get<channel_remote>(*stream.remote).path = {wic_path};
    std::get<association_remote>(*wanted.streams.at(s1).remote).max_message_bytes = wic_takes;
  };
}

stream_change aware_bearer(std::vector<std::string> own, std::vector<std::string> peer) {
  auto out = bearer_change(setup_role::passive, std::uint16_t{4001}, setup_role::active);
  auto& local = std::get<bearer_local>(*out.local);
  local.msrp_aware = true;
  local.path = std::move(own);
  auto& remote = std::get<bearer_remote>(*out.remote);
  remote.msrp_aware = true;
  remote.path = std::move(peer);
  return out;
}

awaitable<std::string> refusal_of(context& gateway, termination_id id, stream_change wanted) {
  auto change = with_stream(id, s2, std::move(wanted));
  const auto answer = co_await gateway.apply(std::move(change));
  if (answer.has_value()) co_return "";
  CHECK(answer.error().reason == refusal_reason::bad_value);
  co_return answer.error().text;
}

}  // namespace

TEST_CASE("an aware call puts the whole path of the peer into To-Path") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    make_aware(c);
    auto body = [&](task_group&) -> awaitable<void> {
      auto hello = send_text("aaaa1111", own_towards_wic, wic_path, "hello");
      co_await c.say(std::move(hello));
      const auto heard = co_await c.core_hears("-------aaaa1111$\r\n");
      CHECK(heard == send_text("aaaa1111", relay_uri + " " + core_path, own_towards_core, "hello"));
    };
    co_await c.run(gateway, std::move(body));
  });
}

TEST_CASE("in an aware call a refusal that the WIC cannot take ends neither the branch nor the silence about the next one") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    make_aware(c, 100);
    auto body = [&](task_group&) -> awaitable<void> {
      auto astray = send_text("aaaa1111", "msrp://somebody.example.com:1/x;tcp", wic_path, "hello");
      co_await c.say(std::move(astray));
      auto good = send_text("aaaa1112", own_towards_wic, wic_path, "again");
      co_await c.say(std::move(good));
      const auto heard = co_await c.core_hears("-------aaaa1112$\r\n");
      CHECK(heard == send_text("aaaa1112", relay_uri + " " + core_path, own_towards_core, "again"));
      const auto back = send_text("bbbb1111", own_towards_core, core_path, "too much");
      co_await asio::async_write(c.core, asio::buffer(back), use_awaitable);
      const auto answer = co_await c.core_hears("-------bbbb1111$\r\n");
      CHECK(answer.substr(0, 17) == "MSRP bbbb1111 413");
      CHECK(gateway.statistics(access_side).at(s2).chunks_rejected == 2);
      CHECK_FALSE(r.saw("msrp", gateway_event::kind::failed));
    };
    co_await c.run(gateway, std::move(body));
  });
}

TEST_CASE("a malformed a=path is refused with the change that brings it, on the core side") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    auto wanted = aware_bearer({own_towards_core}, {"msrp://core.example.com:2855"});
    const auto peer = co_await refusal_of(gateway, core_side, std::move(wanted));
    CHECK(peer == "a=path: not an MSRP URI");
    wanted = aware_bearer({"nonsense"}, {core_path});
    const auto own = co_await refusal_of(gateway, core_side, std::move(wanted));
    CHECK(own == "a=path: not an MSRP URI");
    CHECK(gateway.terminations() == 0);
    wanted = aware_bearer({own_towards_core}, {relay_uri, core_path});
    const auto good = co_await refusal_of(gateway, core_side, std::move(wanted));
    CHECK(good.empty());
    // Agnostic mode does not use it.
    wanted = aware_bearer({}, {"nonsense"});
    std::get<bearer_local>(*wanted.local).msrp_aware = std::get<bearer_remote>(*wanted.remote).msrp_aware = false;
    auto other = with_stream(core_side, s3, std::move(wanted));
    const auto agnostic = co_await gateway.apply(std::move(other));
    CHECK(agnostic.has_value());
  });
}

TEST_CASE("a malformed a=path is refused with the change that brings it, on the access side, whichever side comes first") {
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    const wic browser(r);
    auto wanted = browser.call({4});
    std::get<channel_remote>(*wanted.streams.at(s2).remote).path = {"nonsense"};
    auto first = wanted;
    const auto unread = co_await gateway.apply(std::move(first));
    REQUIRE(unread.has_value());
    auto core = aware_bearer({own_towards_core}, {core_path});
    const auto late = co_await refusal_of(gateway, core_side, std::move(core));
    CHECK(late == "a=path: not an MSRP URI");
    stream_change better;
    channel_remote remote;
    remote.path = {wic_path};
    better.remote = remote;
    const auto changed = co_await refusal_of(gateway, access_side, better);
    CHECK(changed.empty());
    core = aware_bearer({own_towards_core}, {core_path});
    const auto now = co_await refusal_of(gateway, core_side, std::move(core));
    CHECK(now.empty());
    remote.path = {wic_path + " nonsense"};
    better.remote = remote;
    const auto worse = co_await refusal_of(gateway, access_side, std::move(better));
    CHECK(worse == "a=path: not an MSRP URI");
  });
}
