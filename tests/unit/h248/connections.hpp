// What the tests of links with connections share: endpoints over one link, a request, and the first exchange between two of them.
#pragma once

#include <memory>
#include <optional>

#include <catch2/catch.hpp>

#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/endpoint.hpp>

#include "support/loop.hpp"

namespace agw::h248::test {

inline const auto loopback = asio::ip::make_address("127.0.0.1");

/// An endpoint that answers every request with its context.
inline std::unique_ptr<endpoint> over(loop_executor executor, const char* name, std::unique_ptr<message_link> link) {
  endpoint_config config;
  config.mid = mid_name::parse(name).value();
  auto made = std::make_unique<endpoint>(executor, std::move(config));
  made->add_link(std::move(link));
  made->on_request([](const incoming_request& request, outgoing_reply& reply) -> awaitable<void> {
    reply.actions().emplace_back().context = request->actions.front().context;
    co_return;
  });
  return made;
}

inline list<action> modify() {
  list<action> out;
  auto& a = out.emplace_back();
  a.context = {5};
  auto& c = a.commands.emplace_back();
  c.kind = command_kind::modify;
  c.terminations.push_back({"ip/1"});
  return out;
}

/// Config is a connection_config, or more.
template <class Config>
Config server() {
  Config config;
  config.dial = false;
  return config;
}
template <class Config>
Config client() {
  Config config;
  config.listen = false;
  return config;
}

/// `mg` dials `mgc` with a request; `mgc` sends one back over what it came by; and where there is no connection, it makes none.
inline awaitable<void> requests_go_both_ways(endpoint& mg, endpoint& mgc, transport via) {
  auto body = [&](task_group& group) -> awaitable<void> {
    group.spawn("mgc", [&]() -> awaitable<void> { co_await mgc.run(); });
    group.spawn("mg", [&]() -> awaitable<void> { co_await mg.run(); });
    std::optional<peer_address> seen;
    mgc.on_message([&](direction, const peer_address& peer, std::string_view, clock::time_point) { seen = peer; });
    auto actions = modify();
    auto reply = co_await mg.request(mgc.local(via).value(), std::move(actions));
    REQUIRE(reply.has_value());
    REQUIRE((*reply)->actions.front().context == context_id{5});
    REQUIRE(seen.has_value());
    REQUIRE(seen->via == via);
    auto back = modify();
    auto second = co_await mgc.request(*seen, std::move(back));
    REQUIRE(second.has_value());
    auto lost = modify();
    auto nowhere = mgc.request({via, loopback, 1}, std::move(lost));
    boost::system::error_code failure;
    try {
      co_await until(deadline_after(std::chrono::milliseconds(20)), std::move(nowhere));
    } catch (const system_error& e) {
      failure = e.code();
    }
    REQUIRE(failure == make_error_code(core_error::timed_out));
  };
  co_await with_tasks("test", std::move(body));
}

}  // namespace agw::h248::test
